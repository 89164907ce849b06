import { addSeconds } from '#kernel/time'
import { fees, type Posting, post, world } from '#ledger'
import type { Tx } from '#platform/db'
import { freezeOutgoing } from '#spending'
import { addSwept, lockAddress } from '../deposits/store.ts'
import { emitWallet } from '../events.ts'
import { mendFinding, openFinding } from '../findings/findings.ts'
import type { Rail } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { endAttempt } from './attempt-store.ts'
import { isHeldByOrder, landPayout, type OrderPayouts } from './of-orders.ts'
import type { ClaimedPayout, LiveAttempt, Payout, PayoutState } from './payout.ts'
import { endPayout } from './store.ts'
import { requestSweep } from './sweep.ts'

export interface Settlement {
  readonly payout: ClaimedPayout
  readonly live: LiveAttempt
  readonly rail: Pick<Rail, 'hotWallet'>
  readonly settings: WalletSettings
  readonly orders: OrderPayouts
}

/** The chain has finalized it: the money leaves the books, once, whoever looks and however often. */
export async function confirmPayout(
  tx: Tx,
  { payout: claimed, live, rail, settings, orders }: Settlement,
): Promise<void> {
  const { id, n } = { id: claimed.id, n: live.n }
  if (!(await endAttempt(tx, { payoutId: id, n, state: 'landed', error: null }))) return
  await endPayout(tx, { id, state: 'confirmed', from: SIGNED, failure: null })
  await mendFinding(tx, { kind: 'payout_stuck', subject: id })
  const payout = await landPayout(tx, { payout: claimed, txHash: live.signature, orders })
  if (payout.kind === 'sweep') return settleSweep(tx, { payout, rail, settings })
  const held = heldIn(payout)
  const postings: Posting[] = [{ from: held, to: world('USDC', payout.network), amount: payout.net }]
  if (payout.fee > 0n) postings.push({ from: held, to: fees('USDC', 'withdrawal'), amount: payout.fee })
  await post(tx, { key: `withdrawal:${id}:settle`, reason: 'withdrawal', subject: id, postings })
  tell(tx, { payout, name: 'wallet.withdrawal_confirmed', extra: { txHash: live.signature } })
}

async function settleSweep(
  tx: Tx,
  { payout, rail, settings }: { payout: Payout; rail: Settlement['rail']; settings: WalletSettings },
): Promise<void> {
  const { network, net } = payout
  const index = payout.sourceIndex ?? 0
  await addSwept(tx, { network, index, amount: net })
  const address = await lockAddress(tx, { network, index })
  if (address)
    await requestSweep(tx, { address, balance: address.credited - address.swept, credits: { rail, settings } })
}

const UNSIGNED: readonly PayoutState[] = ['requested', 'queued_liquidity']
const SIGNED: readonly PayoutState[] = ['signed', 'sent']

export interface Failure {
  readonly payout: ClaimedPayout
  readonly reason: string
  readonly settings: WalletSettings
  readonly orders: OrderPayouts
}

/** It can never be delivered: amount and fee go back where they came from (D-34). */
export async function failPayout(tx: Tx, { payout, reason, settings, orders }: Failure): Promise<void> {
  const { id, live } = payout
  if (live && !(await endAttempt(tx, { payoutId: id, n: live.n, state: 'dead', error: reason }))) return
  // Whoever knows of no transaction may not end a payout for which another process has signed one meanwhile.
  if (!(await endPayout(tx, { id, state: 'failed', from: live ? SIGNED : UNSIGNED, failure: reason }))) return
  const { network, net, kind } = payout
  const details = { network, reason, kind, net: String(net), destination: payout.destination }
  await openFinding(tx, { kind: 'payout_undeliverable', subject: id, details })
  if (kind === 'sweep') return
  // What has not landed has not left: its order is as it was.
  if (isHeldByOrder(payout)) return orders.failed(tx, { payout, reason })
  await giveBack(tx, payout)
  tell(tx, { payout, name: 'wallet.withdrawal_failed', extra: { reason } })
  if (kind !== 'panic' || payout.partyId === null) return
  // The rescue did not work, so at least nobody else may take the money.
  const until = addSeconds(tx.now, settings.panicFreezeSeconds)
  await freezeOutgoing(tx, { partyId: payout.partyId, until, reason: `panic could not be paid out: ${reason}` })
}

/** Returns the whole of what was set aside. */
export async function giveBack(tx: Tx, payout: Payout): Promise<void> {
  const held = heldIn(payout)
  if (payout.returnTo === null || payout.returnTo === held) return
  await post(tx, {
    key: `withdrawal:${payout.id}:return`,
    reason: 'refund',
    subject: payout.id,
    postings: [{ from: held, to: payout.returnTo, amount: payout.gross }],
  })
}

function heldIn({ id, heldIn: account }: Payout) {
  if (account === null) throw new Error(`payout ${id} holds no money`)
  return account
}

type PayoutNewsName =
  | 'wallet.withdrawal_queued'
  | 'wallet.withdrawal_confirmed'
  | 'wallet.withdrawal_failed'
  | 'wallet.withdrawal_cancelled'
  | 'wallet.withdrawal_requested'

/** Tells the party; payouts nobody owns have nobody to tell. */
export function tell(
  tx: Tx,
  { payout, name, extra = {} }: { payout: Omit<Payout, 'state'>; name: PayoutNewsName; extra?: Record<string, string> },
): void {
  const { id, kind, partyId, network, destination, gross, fee, net } = payout
  if (partyId === null) return
  const news = { payoutId: id, kind, network, destination, amount: gross, fee, netAmount: net, ...extra }
  emitWallet(tx, name, { partyId, ...news } as never)
}
