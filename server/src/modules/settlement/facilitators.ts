import { ChainUnreachable } from '#platform/chain-unreachable'
import type { Sweep } from '#platform/sweeps'
import type { Facilitator, Payment, SettlementResult } from './payment.ts'

/** All networks on which this market settles: each payment goes to the facilitator of its own. */
export interface Facilitators extends Pick<Facilitator, 'verify' | 'settle'> {
  /** Pending where its chain cannot be asked. */
  outcomeOf(payment: Payment): Promise<SettlementResult>
  readonly all: readonly Facilitator[]
  /** By CAIP-2 id; undefined where nothing is settled. */
  of(network: string): Facilitator | undefined
  readonly sweeps: readonly Sweep[]
}

/** The first of them is named first wherever payers may choose. */
export function createFacilitators(all: readonly Facilitator[]): Facilitators {
  const byNetwork = new Map(all.map((each) => [each.chain.network, each]))
  /** A purchase may be older than a change of networks: nothing is known of it until its network is back (D-28). */
  const ofPayment = (network: string): Facilitator => {
    const known = byNetwork.get(network)
    if (!known) throw new ChainUnreachable(network, new Error('this market does without it'))
    return known
  }
  return {
    all,
    of: (network) => byNetwork.get(network),
    verify: async (payment) => ofPayment(payment.network).verify(payment),
    settle: async (payment, asking) => ofPayment(payment.network).settle(payment, asking),
    outcomeOf: async (payment) =>
      (await ofPayment(payment.network).outcomeOf?.(payment)) ?? { state: 'pending', txHash: null },
    sweeps: all.flatMap(({ sweeps }) => sweeps),
  }
}
