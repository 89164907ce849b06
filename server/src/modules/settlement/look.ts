import type { Hex } from 'viem'
import type { Book } from './book.ts'
import type { SettlementChain, Transfer } from './chain.ts'
import type { End, Settlement } from './store.ts'

export interface Lookout {
  readonly book: Book
  readonly chain: SettlementChain
}

/** Chains' clocks and ours differ by a little, and a block may be replaced by an earlier one. */
export const GRACE_SECONDS = 30n

/** Asks the chain once; ends the settlement when it has an end. */
export async function look(lookout: Lookout, settlement: Settlement): Promise<Settlement | 'missing' | 'open'> {
  const { chain } = lookout
  if (!settlement.txHash) return 'open'
  const landing = await chain.landingOf(settlement.txHash)
  if (landing.state === 'missing') return 'missing'
  if (landing.succeeded) return end(lookout, settlement, paidBy({ txHash: settlement.txHash, ...landing.place }))
  return (await lookElsewhere(lookout, settlement)) ?? 'open'
}

/** Asks for every transaction that was ever signed for it. */
export async function lookForAll(
  lookout: Lookout,
  { settlement, hashes }: { readonly settlement: Settlement; readonly hashes: readonly Hex[] },
): Promise<Settlement | 'missing' | 'open'> {
  const landings = await Promise.all(hashes.map((hash) => lookout.chain.landingOf(hash)))
  for (const [index, landing] of landings.entries()) {
    const txHash = hashes[index]
    if (txHash && landing.state === 'landed' && landing.succeeded)
      return end(lookout, settlement, paidBy({ txHash, ...landing.place }))
  }
  const isMissing = landings.every(({ state }) => state === 'missing')
  return (await lookElsewhere(lookout, settlement)) ?? (isMissing ? 'missing' : 'open')
}

/** Not paid by ours, or not yet: perhaps somebody else has sent the same authorization, which pays as well; or it is too late. */
async function lookElsewhere(lookout: Lookout, settlement: Settlement): Promise<Settlement | null> {
  const { chain } = lookout
  const { authorization } = settlement
  // The time first: what is found unused after its end was never used.
  const now = await chain.time()
  const paid = await chain.transferOf(authorization)
  if (paid) return end(lookout, settlement, paidBy(paid))
  // It is public by now, and as long as it is good anybody may send it again with better luck.
  if (now <= authorization.validBefore + GRACE_SECONDS) return null
  return end(lookout, settlement, { state: 'failed', reason: 'invalid_exact_evm_transaction_failed' })
}

export function paidBy(transfer: Transfer): End {
  return { state: 'settled', ...transfer }
}

export async function end({ book }: Lookout, settlement: Settlement, ending: End): Promise<Settlement> {
  await book.end(settlement, ending)
  if (ending.state === 'settled') return { ...settlement, state: 'settled', txHash: ending.txHash, reason: null }
  return { ...settlement, ...ending }
}
