import { purseAccount } from '#chain-purse'
import { profileOf, suspendedAmong } from '#identity'
import type { Engine, Order } from '#orders'
import type { Db, Tx } from '#platform/db'
import { requestRefusals } from './errors.ts'
import { escrowOf, REQUEST, type RequestDraft, statusOf } from './request.ts'
import { insertRequest } from './store.ts'
import { type RequestSettings, requestTerms } from './terms.ts'

export interface PostDeps {
  readonly engine: Pick<Engine, 'placeEach'>
  readonly settings: RequestSettings
}

/** Throws what stands against a request before any money is asked for (PA-38, D-35). */
export async function checkDraft(db: Db, { buyerId, hire }: Pick<RequestDraft, 'buyerId' | 'hire'>): Promise<void> {
  const providerId = hire?.providerId
  if (providerId === buyerId) throw requestRefusals.hire_yourself()
  if (providerId !== undefined && !(await profileOf(db, providerId)))
    throw requestRefusals.provider_unknown({ providerId })
  const parties = providerId === undefined ? [buyerId] : [buyerId, providerId]
  if ((await suspendedAmong(db, parties)).size > 0) throw requestRefusals.request_party_suspended()
}

/**
 * Posts a request: an order of the same id, open for bids or, as a direct hire, accepted (PA-37). With escrow it is placed in
 * the commit that ends the purchase by which its money came, and holds all of it.
 */
export async function postRequest(
  tx: Tx,
  { engine, settings }: PostDeps,
  { id, draft }: { id: string; draft: RequestDraft },
): Promise<Order> {
  const { buyerId, keyId, title, description, budget, escrow, input, hire } = draft
  await checkDraft(tx, draft)
  const bargain = {
    ...{ id, form: REQUEST, buyerId, sellerId: hire?.providerId ?? null, listingId: null, asset: 'USDC' as const },
    ...{ price: escrowOf(draft), terms: requestTerms(draft, settings), callbackUrl: null, purse: purseAccount('base') },
  }
  const [placed] = await engine.placeEach(tx, [{ bargain, input, ...(keyId === undefined ? {} : { keyId }) }])
  if (!placed || !('done' in placed)) throw placed?.refused
  const order = placed.done
  await insertRequest(tx, { id, buyerId, title, description, budget, escrow, status: statusOf(order) })
  return order
}
