import { setTimeout as pause } from 'node:timers/promises'
import type { Dice } from './dice.ts'
import type { Market } from './market.ts'
import type { Shared, Trader } from './trader.ts'
import { openTrader } from './trader.ts'
import type { Reply } from './wire.ts'

/** What the traders know of one another's jobs, as far as they were told. */
interface KnownJob {
  readonly id: string
  readonly buyer: string
  readonly seller: string
  status: string
}

export interface Listed {
  readonly id: string
  readonly owner: string
  readonly maxConcurrentJobs: number
}

export interface Load {
  readonly traders: readonly Trader[]
  readonly services: readonly Listed[]
  /** Trades until told to stop; every deed begun is then brought to its end. */
  start(): void
  stop(): Promise<void>
}

const SERVICES = [
  { pricePerJob: 500_000, autoAccept: true, maxConcurrentJobs: 2, maxQueueSize: 3 },
  { pricePerJob: 33_333, autoAccept: true, maxConcurrentJobs: 50, maxQueueSize: 20, maxExecutionTimeSecs: 5 },
  { pricePerJob: 1_234_567, autoAccept: false, maxConcurrentJobs: 1, maxQueueSize: 2 },
] as const

/** Things one trader does at once. */
const HANDS = 3

const WEIGHTS = {
  ...{ hire: 30, deliver: 24, 'accept-delivery': 18, accept: 10, cancel: 6 },
  ...{ withdraw: 6, deposit: 3, panic: 0.4, look: 5 },
}

/** Agents that trade all there is to trade, at once, and ask again for what stayed unanswered. */
export async function openLoad(shared: Shared, { dice, size }: { dice: Dice; size: number }): Promise<Load> {
  const suffix = dice.int(1e6, 1e7 - 1)
  const traders = await Promise.all(
    Array.from({ length: size }, (_, n) => openTrader(shared, { name: `trader-${n}-${suffix}`, dice: dice.fork() })),
  )
  const services: Listed[] = []
  for (const [n, trader] of traders.entries()) services.push(await list(trader, n))
  const jobs = new Map<string, KnownJob>()
  const amounts = uniqueAmounts()
  let running: Promise<unknown> = Promise.resolve()
  let stopped = false
  const live = async (trader: Trader) => {
    while (!stopped) await oneDeed({ market: shared.market, trader, services, jobs, amounts })
  }
  return {
    traders,
    services,
    start: () => {
      stopped = false
      running = Promise.all(traders.flatMap((trader) => Array.from({ length: HANDS }, () => live(trader))))
      // Heard in `stop`; until then it must not end the process.
      running.catch(() => {})
    },
    stop: async () => {
      stopped = true
      await running
    },
  }
}

async function list(trader: Trader, n: number): Promise<Listed> {
  const fields = SERVICES[n % SERVICES.length] as (typeof SERVICES)[number]
  const reply = await trader.do('list', '/api/v1/services', {
    ...{ name: `Summarizer of ${trader.name}`, description: 'Summarizes any text into bullets', category: 'text' },
    ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object', required: ['bullets'] } },
    ...fields,
  })
  if (reply?.status !== 201) throw new Error(`listing failed: ${reply?.text}`)
  return { id: reply.body.id, owner: trader.name, maxConcurrentJobs: fields.maxConcurrentJobs }
}

/** Every withdrawal asks for an amount nobody else asks for, so that the books tell how often it took effect. */
function uniqueAmounts(): (dice: Dice) => bigint {
  let next = 0n
  return (dice) => 5_000_000n + BigInt(dice.int(0, 40)) * 100_000n + next++
}

interface Stage {
  readonly market: Market
  readonly trader: Trader
  readonly services: readonly Listed[]
  readonly jobs: Map<string, KnownJob>
  readonly amounts: (dice: Dice) => bigint
}

async function oneDeed(stage: Stage): Promise<void> {
  const { trader } = stage
  const { dice } = trader
  const wish = dice.weighted(WEIGHTS)
  if (wish === 'hire') await hire(stage)
  else if (wish === 'withdraw')
    await trader.do('withdraw', '/api/v1/wallet/withdraw', { amount: String(stage.amounts(dice)) })
  else if (wish === 'deposit') await deposit(stage)
  else if (wish === 'panic')
    await trader.do('panic', '/api/v1/wallet/panic', dice.chance(0.5) ? { cancelOrders: true } : {})
  else if (wish === 'look')
    await trader.read(dice.pick(['/api/v1/wallet/balance', '/api/v1/jobs', '/api/v1/agents/me']))
  else await move(stage, wish)
}

async function hire({ trader, services, jobs }: Stage): Promise<void> {
  const { dice } = trader
  const service = dice.pick(services.filter(({ owner }) => owner !== trader.name))
  const marker = `${trader.name}:${dice.int(0, 2 ** 31)}:${jobs.size}`
  const reply = await trader.do('hire', '/api/v1/jobs', { type: 'direct', serviceId: service.id, input: { marker } })
  if (reply?.status !== 201) return
  const { id, status } = reply.body
  jobs.set(id, { id, buyer: trader.name, seller: service.owner, status })
}

/** Sending may fail half-way when the chain is killed: only the chain itself knows, and it is asked in the end. */
async function deposit({ market, trader }: Stage): Promise<void> {
  if (market.chain.isUp()) await trader.deposit(BigInt(trader.dice.int(200_000, 20_000_000))).catch(() => {})
  await trader.do('confirm-deposit', '/api/v1/wallet/confirm-deposit')
}

type MoveName = 'accept' | 'deliver' | 'accept-delivery' | 'cancel'

const RIGHT_TIME: Readonly<Record<MoveName, { status: readonly string[]; role: 'buyer' | 'seller' }>> = {
  accept: { status: ['pending'], role: 'seller' },
  // A queued job may have found a slot meanwhile.
  deliver: { status: ['accepted', 'queued'], role: 'seller' },
  'accept-delivery': { status: ['delivered'], role: 'buyer' },
  cancel: { status: ['queued', 'pending', 'accepted'], role: 'buyer' },
}

/** Mostly what the other side waits for, now and then something nobody may. */
async function move({ trader, jobs }: Stage, wish: MoveName): Promise<void> {
  const { dice } = trader
  const { status, role } = RIGHT_TIME[wish]
  const all = [...jobs.values()].slice(-400)
  const fitting = all.filter((job) => job[role] === trader.name && status.includes(job.status))
  const candidates = dice.chance(0.03) ? all.slice(-20) : fitting
  // Nothing to do yet: others get their turn.
  if (candidates.length === 0) return void (await pause(5))
  const job = dice.pick(candidates)
  const body = wish === 'deliver' ? { output: { bullets: [job.id] } } : undefined
  learn(job, await trader.do(wish, `/api/v1/jobs/${job.id}/${wish}`, body))
}

function learn(job: KnownJob, reply: Reply | null): void {
  if (reply?.status === 200) job.status = reply.body.status
  // It moved on without us; a queued job that found a slot is worth another look.
  else if (reply?.status === 409)
    job.status = reply.body.state === 'assigned' ? 'accepted' : (reply.body.state ?? 'gone')
}
