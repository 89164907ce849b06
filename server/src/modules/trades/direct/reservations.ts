import type { Service } from '#catalog'
import type { Micros } from '#kernel/money'
import type { AccountId } from '#ledger'
import { costOf, type Door, type Engine, feeOf, type Order, type Terms } from '#orders'
import type { Tx } from '#platform/db'
import { capacities, DIRECT, type DirectDeps, type Hire, openHires, refusalOf } from './direct.ts'
import { directRefusals } from './errors.ts'
import { openSlots, promotions } from './slots.ts'
import { changeSlots, insertReservation, type Reservation, takeReservation } from './store.ts'
import { type DirectSettings, directTerms } from './terms.ts'

/** What a job costs who pays with a wallet: the price, and the fee on top (D-5). */
export interface Quote {
  readonly price: Micros
  readonly fee: Micros
  readonly total: Micros
}

export function quoteOf(service: Service, settings: DirectSettings): Quote {
  const [price, terms] = [service.priceMicros, directTerms(service, settings, '')]
  const fee = feeOf(price, terms)
  return { price, fee, total: costOf({ price, fee, terms }) }
}

/** A hire by a wallet, before its money has moved. */
export interface Wish extends Pick<Hire, 'serviceId' | 'sellerId' | 'serviceVersion'> {
  /** What the slot is kept under until the payment has ended. */
  readonly id: string
  /** Whom the wallet is known as; null while it has bought nothing. */
  readonly buyerId: string | null
  /** What is about to be paid. */
  readonly total: Micros
}

const NOBODY = '00000000-0000-0000-0000-000000000000'

/**
 * Keeps a slot, or a place in line, for a job that is about to be paid for (D-20). Everything it may be refused for is asked
 * now, while nothing is paid; what was agreed on is kept beside the slot. Throws what `hireEach` refuses.
 */
export async function reserveSlot(tx: Tx, deps: DirectDeps, wish: Wish): Promise<void> {
  const { id, serviceId, sellerId, total } = wish
  const hire = { ...wish, buyerId: wish.buyerId ?? NOBODY, maxPrice: null, input: null, callbackUrl: null }
  const opened = await openHires(tx, deps, [hire])
  const refused = refusalOf(hire, opened)
  const service = opened.services.get(serviceId)
  if (refused || !service) throw refused ?? directRefusals.service_changed()
  // The price is part of what a version says, but the fee is the market's.
  if (quoteOf(service, deps.settings).total !== total) throw directRefusals.service_changed()
  const agreed = await deps.schemas.agree(tx, [service])
  const terms = { ...directTerms(service, deps.settings, agreed.get(serviceId) ?? '') }
  const bargain = {
    ...PLAIN,
    id,
    buyerId: hire.buyerId,
    sellerId,
    listingId: serviceId,
    price: service.priceMicros,
    terms,
  }
  const door = await openSlots(tx, new Map([[serviceId, service]]))
  const how = door.admit(bargain)
  door.enter(bargain, how)
  await door.close()
  await insertReservation(tx, { id, serviceId, sellerId, waits: how === 'wait', price: service.priceMicros, terms })
}

const PLAIN = { form: DIRECT, asset: 'USDC', callbackUrl: null } as const

interface Placing {
  readonly engine: Pick<Engine, 'placeEach'>
  readonly reservationId: string
  readonly orderId: string
  readonly buyerId: string
  /** The account that pays. */
  readonly purse: AccountId
  readonly input: unknown
}

/** Makes a paid reservation the job it was kept for. Throws `outgoing_frozen`; then the reservation stands as before. */
export async function placeReserved(tx: Tx, { engine, reservationId, orderId, ...about }: Placing): Promise<Order> {
  const reservation = await takeReservation(tx, reservationId)
  if (!reservation) throw new Error(`the slot of order ${orderId} is gone`)
  const { serviceId: listingId, sellerId, price, terms } = reservation
  const { input, ...paid } = about
  const bargain = { ...PLAIN, ...paid, id: orderId, sellerId, listingId, price, terms: { ...terms, ...ON_CHAIN } }
  const [outcome] = await engine.placeEach(tx, [{ bargain, input }], async () => kept(reservation))
  if (outcome && 'done' in outcome) return outcome.done
  throw outcome?.refused
}

/** The seller is paid into its balance as for any job; only what returns goes back over the chain. */
const ON_CHAIN = { payout: 'balance' } satisfies Partial<Terms>

/** The slot is counted since it was reserved. */
function kept({ waits }: Reservation): Door {
  return { admit: () => (waits ? 'wait' : 'begin'), enter: () => {}, close: async () => {} }
}

/** Gives the slot back because its payment has come to nothing; whoever has waited longest gets it. */
export async function releaseSlot(tx: Tx, engine: Pick<Engine, 'moveEach'>, reservationId: string): Promise<void> {
  const reservation = await takeReservation(tx, reservationId)
  if (!reservation) return
  const { serviceId, waits } = reservation
  const given = waits ? { active: 0, queued: -1 } : { active: -1, queued: 0 }
  const slots = (await changeSlots(tx, new Map([[serviceId, given]]))).get(serviceId)
  if (!slots || slots.queued === 0) return
  const capacity = (await capacities(tx, [serviceId])).get(serviceId) ?? 0
  const free = Math.min(capacity - slots.active, slots.queued)
  if (free > 0) await engine.moveEach(tx, await promotions(tx, serviceId, free))
}
