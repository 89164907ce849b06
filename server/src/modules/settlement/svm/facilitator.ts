import type { Logger } from 'pino'
import { newId } from '#kernel/id'
import type { Store, Tx } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import { settlementRefusals } from '../errors.ts'
import type { FacilitatorSettings } from '../facilitator.ts'
import type { Asking, Facilitator, Payment, SettlementResult } from '../payment.ts'
import type { SvmChain } from './chain.ts'
import { faultOf } from './check.ts'
import {
  type Claimant,
  type Decision,
  endSvmSettlement,
  insertSvmSettlement,
  markFinal,
  markTold,
  reopen,
  type SvmSettlement,
  svmSettlementBy,
  unfinal,
  unlandedAfter,
} from './store.ts'
import { type PartlySigned, paymentOf, readTransaction, transactionOf } from './transaction.ts'

export interface SvmFacilitatorOptions {
  readonly store: Store
  readonly chain: SvmChain
  readonly log: Pick<Logger, 'warn'>
  readonly settings: FacilitatorSettings
  /** In the commit that gives up what had been called settled: its block was left behind, and no other can take it. */
  readonly onReversed?: (tx: Tx, settlement: SvmSettlement) => Promise<void>
  /** How often what was settled is looked at until it is final. */
  readonly watchMs?: number
}

const WATCH_MS = 30_000

/** What the standard calls it when one payment is settled twice: whoever sells by the second answer serves for nothing. */
const DUPLICATE = 'duplicate_settlement'
const DEAD = 'invalid_exact_svm_transaction_failed'
const SWEEP_BATCH = 100

/** On one Solana network: payers sign whole transactions, of which we pay the fees. */
export function createSvmFacilitator(options: SvmFacilitatorOptions): Facilitator {
  const { store, chain } = options
  const { network, mint, relayer } = chain
  const find = (messageHash: string) => svmSettlementBy(store.read, { network, messageHash })
  const settle = settling(options)
  return {
    chain: {
      ...{ network, asset: mint, extra: { feePayer: relayer }, relayer },
      isSame: (one, other) => one === other,
    },
    read: (payload) => {
      const signed = readTransaction(payload)
      if (signed) return paymentOf(signed, network)
      throw settlementRefusals.payment_malformed({ fault: 'its payload is no base64 of a signed Solana transaction' })
    },
    verify: async (payment) => {
      const { payer, nonce } = payment
      const signed = transactionOf(payment)
      const early = (await faultOf(payment, signed, chain)) ?? ((await find(nonce)) ? DUPLICATE : null)
      if (early !== null) return { isValid: false, payer, reason: early }
      const { objection: reason, left } = await chain.tryOut(signed.transaction, signed.transfer?.source ?? null)
      return reason === null
        ? { isValid: true, payer, reason, funds: left + payment.amount }
        : { isValid: false, payer, reason }
    },
    settle: async (payment, asking = {}) => {
      const result = await settle(payment, asking)
      if (result.state !== 'settled' || asking.reserved) return result
      // Who is told twice might serve twice.
      const known = await find(payment.nonce)
      const isFirst = known !== undefined && (await store.transact((tx) => markTold(tx, known.id)))
      return isFirst ? result : { state: 'failed', reason: DUPLICATE, txHash: null }
    },
    sweeps: [resendSweep(options), finalitySweep(options)],
  }
}

function settling(options: SvmFacilitatorOptions) {
  const { store, chain, log } = options
  const { network } = chain
  return async (payment: Payment, { waits = true, reserved = false }: Asking): Promise<SettlementResult> => {
    const claimant: Claimant = reserved ? 'market' : 'stranger'
    const signed = transactionOf(payment)
    // Whatever has become of it: what is not for this price or to this wallet pays nobody here.
    const fault = await faultOf(payment, signed, chain)
    if (fault) return { state: 'failed', reason: fault, txHash: null }
    const by = { network, messageHash: signed.messageHash }
    let known = await svmSettlementBy(store.read, by)
    if (!known) {
      const decision = await decide(signed, chain)
      const row = { ...by, id: newId(), claimant, payer: signed.payer, decision }
      await store.transact((tx) => insertSvmSettlement(tx, row))
      known = await svmSettlementBy(store.read, by)
      // Only ours: what came first was sent by whoever kept it, and is sent again by the sweep.
      if (known?.id === row.id && 'signed' in decision)
        await chain.broadcast(decision.signed.bytes).catch((error: Error) => {
          log.warn({ err: error, settlement: row.id }, 'a settlement was sent and not taken')
        })
    }
    if (!known) throw new Error('a settlement just kept is gone')
    if (known.state !== 'failed' && known.claimant !== claimant)
      return { state: 'failed', reason: DUPLICATE, txHash: null }
    return follow(options, known, waits ? options.settings.patienceMs : 0)
  }
}

/** Signs it, or says why not. The height first, so that it lies beyond that of any blockhash signed before. */
async function decide({ transaction }: PartlySigned, chain: SvmChain): Promise<Decision> {
  const [{ objection: reason }, lastHeight] = await Promise.all([chain.tryOut(transaction, null), chain.horizon()])
  return reason === null ? { signed: await chain.sign(transaction), lastHeight } : { reason }
}

/** Waits with whoever asked until the chain has decided, but not for ever. */
async function follow(
  options: SvmFacilitatorOptions,
  settlement: SvmSettlement,
  patienceMs: number,
): Promise<SettlementResult> {
  const { store, settings } = options
  const until = performance.now() + patienceMs
  for (let current = settlement; ; ) {
    if (current.state === 'sent') {
      const seen = await look(options, current).catch(() => 'open' as const)
      if (typeof seen === 'object') current = seen
    }
    if (current.state !== 'sent' || performance.now() >= until) return resultOf(current)
    await new Promise((resolve) => setTimeout(resolve, settings.pollMs))
    current = (await svmSettlementBy(store.read, current)) ?? current
  }
}

/** Asks the chain once; ends the settlement when it has an end. */
async function look(
  { store, chain, onReversed }: Pick<SvmFacilitatorOptions, 'store' | 'chain' | 'onReversed'>,
  settlement: SvmSettlement,
): Promise<SvmSettlement | 'missing' | 'open'> {
  const { id, signature, lastHeight } = settlement
  if (signature === null || lastHeight === null) return 'open'
  let landing = await chain.landingOf(signature)
  if (landing === 'missing') {
    if ((await chain.finalizedHeight()) <= lastHeight) return 'missing'
    // What is nowhere after every block that could take it is final, is nowhere for good.
    landing = await chain.landingOf(signature)
  }
  if (landing === 'seen') return 'open'
  const end = landing === 'succeeded' ? ({ state: 'settled' } as const) : ({ state: 'failed', reason: DEAD } as const)
  await store.transact(async (tx) => {
    if (await endSvmSettlement(tx, { id, end })) await onReversed?.(tx, settlement)
  })
  return { ...settlement, ...end, reason: end.state === 'failed' ? end.reason : null }
}

/** Looks after transactions whose askers have gone: sends them again as the same bytes, and ends what has landed. */
function resendSweep(options: SvmFacilitatorOptions): Sweep {
  const { store, chain, log, settings } = options
  return {
    name: `settlements:${chain.network}`,
    everyMs: 1000,
    ignoresWakes: true,
    run: async () => {
      const asked = { network: chain.network, olderThanMs: settings.resendMs, limit: SWEEP_BATCH }
      let ended = 0
      for (const { settlement, bytes } of await unlandedAfter(store.read, asked)) {
        try {
          const seen = await look(options, settlement)
          if (typeof seen === 'object') ended++
          if (seen === 'missing') await chain.broadcast(bytes)
        } catch (error) {
          log.warn({ err: error, settlement: settlement.id }, 'a settlement was looked for or sent again in vain')
        }
      }
      return ended
    },
  }
}

/** Watches what was settled until nothing can take it back; what was taken back is sent again, or given up, as if it had just been sent. */
function finalitySweep({ store, chain, watchMs = WATCH_MS }: SvmFacilitatorOptions): Sweep {
  const { network } = chain
  return {
    name: `settlements:final:${network}`,
    everyMs: watchMs,
    ignoresWakes: true,
    run: async () => {
      const rows = await unfinal(store.read, { network, limit: SWEEP_BATCH })
      if (rows.length === 0) return 0
      const { final, missing } = await chain.finalityOf(rows.flatMap(({ signature }) => signature ?? []))
      return store.transact(async (tx) => (await markFinal(tx, final)) + (await reopen(tx, missing)))
    },
  }
}

function resultOf({ state, signature, reason }: SvmSettlement): SettlementResult {
  if (state === 'settled' && signature !== null) return { state, txHash: signature }
  if (state === 'failed') return { state, reason: reason ?? 'unexpected_settle_error', txHash: signature }
  return { state: 'pending', txHash: signature }
}
