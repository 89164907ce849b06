import type { Micros } from '#kernel/money'
import { available, balances, pending } from '#ledger'
import type { Db } from '#platform/db'

export interface WalletBalances {
  /** Can be spent or withdrawn. */
  readonly available: Micros
  /** On its way out, not yet confirmed by the chain. */
  readonly pending: Micros
  /** Set aside for open orders (JP-139). */
  readonly escrowed: Micros
  readonly total: Micros
}

/** What a party has set aside in its open orders, campaigns and channels; orders know, so `main` passes it in. */
export type EscrowedOf = (db: Db, partyId: string) => Promise<Micros>

/** One party's money in one statement, beside what its orders hold (JP-138). */
export async function balancesOf(
  db: Db,
  { partyId, escrowedOf }: { partyId: string; escrowedOf: EscrowedOf },
): Promise<WalletBalances> {
  const [spendable, leaving] = [available('USDC', partyId), pending('USDC', partyId)]
  const [held, escrowed] = await Promise.all([balances(db, [spendable, leaving]), escrowedOf(db, partyId)])
  const mine = { available: held.get(spendable) ?? 0n, pending: held.get(leaving) ?? 0n, escrowed }
  return { ...mine, total: mine.available + mine.pending + mine.escrowed }
}
