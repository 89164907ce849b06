import { newId } from '#kernel/id'
import { type AccountId, createTransferBatcher, type Transfer } from '#ledger'
import { openStore, type Store } from '#platform/db'
import { fillTransfers, fundParties, movedSince, settleDatabase, totalsOf, wrongAccounts } from './books.ts'
import { driveCallers } from './callers.ts'
import type { Ground } from './ground.ts'
import type { BenchOptions } from './options.ts'
import type { Peer } from './peer.ts'
import type { CaseReport } from './report.ts'
import { compare, type Slice } from './rounds.ts'

const ACCOUNTS = 1000
const MAX_AMOUNT = 1000

/** Callers → goal in multiples of the peer. */
const GOALS = [
  [64, 4],
  [512, 10],
] as const
const SHAPES = ['spread', 'one account'] as const

/** Transfers a second through the batcher, on books that are young and on books that are old. */
export async function benchLedger(ground: Ground, peer: Peer, options: BenchOptions): Promise<CaseReport[]> {
  const partyIds = Array.from({ length: ACCOUNTS }, newId)
  const reports: CaseReport[] = []
  for (const existing of options.existing) {
    const { template, accounts } = await makeTemplate(ground, { partyIds, existing })
    for (const shape of SHAPES) {
      for (const [callers, goal] of GOALS) {
        const about = { bench: 'ledger', name: `ledger, ${shape}, ${callers} callers`, callers, shape, existing, goal }
        process.stderr.write(`${about.name}, ${existing} transfers `)
        const url = await ground.makeDatabase('ledger', template)
        const store = openStore({ url, maxConnections: 4 })
        try {
          await settleDatabase(store)
          const subject = { run: (seconds: number) => slice(store, { accounts, shape, callers, seconds }) }
          const comparison = await compare({ peer, subject }, options)
          if ((await wrongAccounts(store.read)) !== 0n) throw new Error(`${about.name}: balances and entries differ`)
          reports.push({ ...about, ...comparison, transfersAtEnd: Number((await totalsOf(store.read)).transfers) })
        } finally {
          await store.close()
          await ground.dropDatabase(url)
        }
      }
    }
    await ground.dropDatabase(template)
  }
  return reports
}

async function makeTemplate(
  ground: Ground,
  { partyIds, existing }: { partyIds: readonly string[]; existing: number },
): Promise<{ template: string; accounts: readonly AccountId[] }> {
  const template = await ground.makeMarket('ledger')
  const store = openStore({ url: template })
  try {
    const from = performance.now()
    const accounts = await fundParties(store, partyIds)
    await fillTransfers(store, { accounts, transfers: existing })
    console.log(`filled ${existing} transfers in ${((performance.now() - from) / 1000).toFixed(1)} s`)
    return { template, accounts }
  } finally {
    await store.close()
  }
}

interface SliceOptions {
  readonly accounts: readonly AccountId[]
  readonly shape: (typeof SHAPES)[number]
  readonly callers: number
  readonly seconds: number
}

/** One slice, and proof that the books hold exactly what was acknowledged. */
async function slice(store: Store, { accounts, shape, callers, seconds }: SliceOptions): Promise<Slice> {
  const before = await totalsOf(store.read)
  const post = createTransferBatcher(store)
  let acknowledged = 0n
  let moved = 0n
  const cpu = process.cpuUsage()
  const driven = await driveCallers({ callers, seconds }, async () => {
    const transfer = randomTransfer(accounts, shape)
    await post(transfer)
    acknowledged++
    moved += transfer.postings[0]?.amount ?? 0n
  })
  const { user, system } = process.cpuUsage(cpu)
  const after = await totalsOf(store.read)
  if (after.held !== before.held) throw new Error(`money appeared or vanished: ${before.held} → ${after.held}`)
  if (after.transfers - before.transfers !== acknowledged) {
    throw new Error(
      `${acknowledged} transfers were acknowledged, ${after.transfers - before.transfers} are in the books`,
    )
  }
  if ((await movedSince(store.read, before.last)) !== moved) throw new Error('other amounts moved than were asked for')
  return { ...driven, figures: { nodeCpuMicrosEach: (user + system) / Number(acknowledged) } }
}

function randomTransfer(accounts: readonly AccountId[], shape: SliceOptions['shape']): Transfer {
  const subject = newId()
  // The first account is the one that everybody pays.
  const to = shape === 'one account' ? 0 : random(accounts.length)
  const from = (to + 1 + random(accounts.length - 1)) % accounts.length
  const amount = BigInt(1 + random(MAX_AMOUNT))
  const posting = { from: accounts[from] as AccountId, to: accounts[to] as AccountId, amount }
  return { key: `order:${subject}:close`, reason: 'earned', subject, postings: [posting] }
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}
