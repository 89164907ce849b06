import type { Micros } from '#kernel/money'
import type { Db, Tx } from '#platform/db'
import { mendFinding } from '../findings/findings.ts'
import type { Movement, Network, Rail } from '../rail.ts'
import { insertArrival, markFinal, unfinalArrivals } from './store.ts'

/** Money that came to the hot wallet for something known, by a payment that was settled there. */
export interface Arrival {
  readonly network: Network
  readonly txHash: string
  /** The order it is for. One transaction may pay for several. */
  readonly subject: string
  readonly amount: Micros
}

/**
 * Notes what came, in the unit of work that books it: it is no deposit of anybody's and nothing strange, though it lies on
 * the hot wallet. Its transaction has landed; until it is final the audit looks at it by itself.
 */
export async function noteArrival(
  tx: Tx,
  {
    rail: { network, hotWallet },
    ...arrival
  }: Omit<Arrival, 'network'> & { rail: Pick<Rail, 'network' | 'hotWallet'> },
): Promise<void> {
  await insertArrival(tx, { ...arrival, network })
  const subject = `${network}:${arrival.txHash}:${hotWallet.tokenAccount}`
  await mendFinding(tx, { kind: 'unattributed_deposit', subject })
}

/** Without what is known to have come for something; what came besides stays. */
export async function unexplainedIn(
  tx: Tx,
  { network, movements }: { network: Network; movements: readonly Movement[] },
): Promise<readonly Movement[]> {
  const known = await markFinal(tx, { network, txHashes: movements.map(({ signature }) => signature) })
  return movements.filter(({ signature, change }) => known.get(signature) !== change)
}

/** What the books have taken in that lies in blocks which are not final yet. */
export async function arriving(db: Db, rail: Pick<Rail, 'network' | 'statusesOf'>): Promise<Micros> {
  const arrivals = await unfinalArrivals(db, rail.network)
  if (arrivals.length === 0) return 0n
  const statuses = await rail.statusesOf([...new Set(arrivals.map(({ txHash }) => txHash))])
  return arrivals.reduce((sum, { txHash, amount }) => (statuses.get(txHash)?.state === 'seen' ? sum + amount : sum), 0n)
}
