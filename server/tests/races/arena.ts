import { type Account, openAccount } from '#tests/crash/account'
import { booksAreClean } from '#tests/crash/books'
import { type Market, openMarket } from '#tests/crash/market'
import { until } from '#tests/crash/until'
import type { Reply } from '#tests/crash/wire'

/** Two servers on one database, and agents that ask both of them for many things at the same moment. */
export interface Arena {
  readonly market: Market
  agent(funds?: bigint): Promise<Racer>
  /** Lists a service and answers its id. */
  service(owner: Racer, fields?: object): Promise<string>
  /** Hires; the job is in the state that the service's fields lead to. */
  hire(buyer: Racer, serviceId: string): Promise<string>
  /** Every ask at once, each server in turn. */
  atOnce(asks: readonly (() => Promise<Reply>)[]): Promise<Reply[]>
  /** Waits until the servers have done all that is due. */
  rest(): Promise<void>
  booksAreClean(): Promise<void>
  close(): Promise<void>
}

export interface Racer extends Account {
  post(path: string, body?: object, headers?: Record<string, string>): Promise<Reply>
  get(path: string): Promise<Reply>
  delete(path: string): Promise<Reply>
  /** What it can spend now. */
  available(): Promise<bigint>
}

const FUNDS = 100_000_000n

export async function openArena(): Promise<Arena> {
  const market = await openMarket({ roles: ['all', 'all'] })
  let names = 0
  const service: Arena['service'] = async (owner, fields = {}) => {
    const listed = await owner.post('/api/v1/services', {
      ...{ name: 'Summarizer', description: 'Summarizes any text into bullets', category: 'text' },
      ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' }, pricePerJob: 500_000, ...fields },
    })
    if (listed.status !== 201) throw new Error(`listing failed: ${listed.text}`)
    return listed.body.id
  }
  return {
    market,
    service,
    agent: async (funds = FUNDS) => racerOf(market, await openAccount(market, { name: `racer-${++names}`, funds })),
    hire: async (buyer, serviceId) => {
      const hired = await buyer.post('/api/v1/jobs', { type: 'direct', serviceId, input: {} })
      if (hired.status !== 201) throw new Error(`hiring failed: ${hired.text}`)
      return hired.body.id
    },
    atOnce: (asks) => Promise.all(asks.map((ask) => ask())),
    rest: () => market.idle(),
    booksAreClean: () => booksAreClean(market),
    close: market.close,
  }
}

function racerOf(market: Market, account: Account): Racer {
  const { key } = account
  const racer: Racer = {
    ...account,
    post: (path, body, headers) => market.ask({ method: 'POST', path, key, body, headers }),
    get: (path) => market.ask({ method: 'GET', path, key }),
    delete: (path) => market.ask({ method: 'DELETE', path, key }),
    available: async () => BigInt((await racer.get('/api/v1/agents/me')).body.wallet.available),
  }
  return racer
}

/** How often each status was answered. */
export function statuses(replies: readonly Reply[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** Until the deposit is final and credited; some of those who ask find nothing yet. */
export async function untilFinal(arena: Arena, owner: string, amount: bigint): Promise<void> {
  const arrived = async () => [...(await arena.market.chain.arrivals(owner)).values()].includes(amount)
  await until(arrived, { what: 'the deposit to land' })
}
