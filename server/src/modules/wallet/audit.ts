import type { Micros } from '#kernel/money'
import { balanceOf, world } from '#ledger'
import type { Db } from '#platform/db'
import { arriving } from './arrivals/arrivals.ts'
import { addressesAfter, type DepositAddress } from './deposits/store.ts'
import { type Underway, underway } from './payouts/attempt-store.ts'
import type { Network, Rail } from './rail.ts'

export interface NetworkAudit {
  readonly network: Network
  /** What the market owes over this network by its books: minus the balance of `world`. */
  readonly liabilities: Micros
  /** What our own accounts hold, finalized: hot wallet and deposit addresses. */
  readonly holdings: Micros
  readonly hotWallet: Micros
  /** Payouts that have landed and are not settled in the books yet, and payments that are in the books and not final yet. */
  readonly inFlight: Micros
  /** On deposit addresses and not credited yet. */
  readonly uncredited: Micros
  /** Every liability is covered by money on the chain (D-18). */
  readonly covered: boolean
  /** Addresses that hold something else than the books say, without a sweep that would explain it. */
  readonly differences: readonly Difference[]
}

export interface Difference {
  readonly address: string
  readonly accounted: Micros
  readonly held: Micros
}

const PAGE = 1000

/**
 * Compares the books with the chain; works on a running market, and never blocks it. What changes while it looks is
 * counted in the market's favour, so that a "no" is always worth an alarm.
 */
export async function auditNetwork(db: Db, rail: Rail): Promise<NetworkAudit> {
  const { network } = rail
  const owed = async () => -(await balanceOf(db, world('USDC', network)))
  const [before, owedBefore] = [await underway(db, network), await owed()]
  // Before what lies there: what becomes final meanwhile is then counted twice rather than not at all.
  const coming = await arriving(db, rail)
  const { deposits, uncredited, differences } = await depositHoldings(db, rail)
  // The hot wallet last: money swept meanwhile is then seen twice rather than not at all.
  const hotWallet = await hotHoldings(rail)
  const moving = new Map([...before, ...(await underway(db, network))].map((one) => [one.signature, one]))
  const [inFlight, owedAfter] = [coming + (await landedUnsettled(rail, moving)), await owed()]
  const liabilities = smaller(owedBefore, owedAfter)
  const holdings = hotWallet + deposits
  const unexplained = differences.filter(({ index }) => !isSwept(moving.values(), index))
  return {
    network,
    liabilities,
    holdings,
    hotWallet,
    inFlight,
    uncredited,
    covered: holdings + inFlight >= liabilities,
    differences: unexplained.map(({ address, accounted, held }) => ({ address, accounted, held })),
  }
}

/** Payouts whose money has left for good while the books still hold it. */
async function landedUnsettled(rail: Rail, moving: ReadonlyMap<string, Underway>): Promise<Micros> {
  if (moving.size === 0) return 0n
  const statuses = await rail.statusesOf([...moving.keys()])
  return [...moving.values()].reduce((sum, { kind, net, signature }) => {
    const status = statuses.get(signature)
    const hasLanded = status?.state === 'finalized' && status.error === null
    return kind !== 'sweep' && hasLanded ? sum + net : sum
  }, 0n)
}

function smaller(a: Micros, b: Micros): Micros {
  if (a < b) return a
  return b
}

async function hotHoldings(rail: Rail): Promise<Micros> {
  const { tokenAccount } = rail.hotWallet
  return (await rail.holdings([tokenAccount])).get(tokenAccount) ?? 0n
}

/** What lies on our accounts by address, finalized: the hot wallet and every deposit address (D-18). */
export async function chainHoldings(db: Db, rail: Rail): Promise<{ hotWallet: Micros; deposits: Micros }> {
  const { deposits } = await depositHoldings(db, rail)
  return { hotWallet: await hotHoldings(rail), deposits }
}

interface DepositHoldings {
  readonly deposits: Micros
  readonly uncredited: Micros
  readonly differences: readonly (Difference & { readonly index: number })[]
}

async function depositHoldings(db: Db, rail: Rail): Promise<DepositHoldings> {
  const differences: (Difference & { index: number })[] = []
  let deposits = 0n
  let uncredited = 0n
  let index = 0
  for (;;) {
    const page: DepositAddress[] = await addressesAfter(db, { network: rail.network, index, limit: PAGE })
    const last = page.at(-1)
    if (!last) return { deposits, uncredited, differences }
    const holdings = await rail.holdings(page.map(({ tokenAccount }) => tokenAccount))
    for (const { address, tokenAccount, credited, swept, index: at } of page) {
      const held = holdings.get(tokenAccount) ?? 0n
      const accounted = credited - swept
      deposits += held
      if (held > accounted) uncredited += held - accounted
      if (held !== accounted) differences.push({ index: at, address, accounted, held })
    }
    index = last.index
  }
}

function isSwept(moving: Iterable<Underway>, index: number): boolean {
  return [...moving].some(({ kind, sourceIndex }) => kind === 'sweep' && sourceIndex === index)
}
