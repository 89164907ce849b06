import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  authorizationOf,
  isSignedByPayer,
  paymentOf,
  readAuthorization,
  type SignedAuthorization,
} from './authorization.ts'
import { type BookOptions, createBook } from './book.ts'
import type { SettlementChain } from './chain.ts'
import { faultOf, isSame, windowFaultOf } from './check.ts'
import { settlementRefusals } from './errors.ts'
import { finalitySweep } from './finality.ts'
import { lineSweep } from './line.ts'
import { end, type Lookout, look, paidBy } from './look.ts'
import { outcomeOf } from './outcome.ts'
import type { Asking, Facilitator, Payment, SettlementNetwork, SettlementResult, Verdict } from './payment.ts'
import { createSender } from './send.ts'
import type { Settlement } from './store.ts'
import { createWatch } from './watch.ts'

export interface EvmFacilitatorOptions extends Omit<BookOptions, 'network'> {
  readonly chain: SettlementChain
  readonly log: Pick<Logger, 'warn' | 'error'>
  readonly settings: EvmFacilitatorSettings
}

export interface FacilitatorSettings {
  /** How often a transaction under way is asked for. */
  readonly pollMs: number
  /** How long who asked is kept waiting before the answer is "pending". */
  readonly patienceMs: number
  /** How long a transaction may be missing before it is sent again. */
  readonly resendMs: number
}

export interface EvmFacilitatorSettings extends FacilitatorSettings {
  /** How long a transaction may lie for its price before it is replaced by one that pays more. */
  readonly raiseMs: number
  /** How often it is looked whether what was settled still stands. */
  readonly watchMs: number
}

export const DEFAULT_FACILITATOR_SETTINGS: EvmFacilitatorSettings = {
  ...{ pollMs: 250, patienceMs: 25_000, resendMs: 4_000 },
  ...{ raiseMs: 20_000, watchMs: 5_000 },
}

const USED = 'invalid_exact_evm_nonce_already_used'

/** What payers and sellers must know of an EVM chain, and how payments on it are read. */
export function evmNetwork(chain: SettlementChain): Pick<Facilitator, 'chain' | 'read' | 'outcomeOf'> {
  const { network, token, relayer } = chain
  const { address: asset, name, version } = token
  const known: SettlementNetwork = { network, asset, extra: { name, version }, relayer, isSame }
  return {
    chain: known,
    outcomeOf: (payment) => outcomeOf(payment, { chain }),
    read: (payload) => {
      const authorization = readAuthorization(payload)
      if (authorization) return paymentOf(authorization, network)
      throw settlementRefusals.payment_malformed({ fault: 'its payload is no signed EIP-3009 authorization' })
    },
  }
}

/** On one EVM chain, by authorizations (EIP-3009). */
export function createEvmFacilitator(options: EvmFacilitatorOptions): Facilitator {
  const { store, chain, log, settings } = options
  const { network } = chain
  const sender = createSender({ store, chain, log })
  const book = createBook({ ...options, network })
  const lookout = { book, chain }
  const follow = createFollower(lookout, settings)

  /** Sends it, or refuses it: whoever comes first to the row. Answers what stands in the way for this asker only. */
  const decide = async (settlement: Settlement, { reserved = false }: Asking): Promise<string | null> => {
    const { id, authorization } = settlement
    const askedAt = performance.now()
    const [objection, funds] = await Promise.all([
      chain.objectionTo(authorization),
      chain.balanceOf(authorization.from),
    ])
    const reason = windowFaultOf(authorization, new Date()) ?? objection
    if (reason === null) {
      await sender.send({ id, funds, askedAt })
      return null
    }
    // What speaks against it may be that it has paid: somebody else had it sent, or another facilitator before us.
    const paid = await chain.transferOf(authorization)
    if (paid && !reserved) return USED
    await end(lookout, settlement, paid ? paidBy(paid) : { state: 'failed', reason })
    return null
  }

  return {
    ...evmNetwork(chain),
    verify: async (payment) => {
      const { from: payer, nonce } = authorizationOf(payment)
      const known = await book.find({ payer, nonce })
      return known ? { isValid: false, payer, reason: USED } : judge(payment, chain)
    },
    settle: async (payment, asking = {}) => {
      const authorization = authorizationOf(payment)
      // Whatever has become of it: what is not for this price or to this wallet pays nobody here.
      const fault = faultOf(payment, chain.token)
      if (fault) return { state: 'failed', reason: fault, txHash: null }
      const by = { payer: authorization.from, nonce: authorization.nonce }
      let known = await book.find(by)
      if (!known) {
        // What is not even a payment leaves no row; everything else is decided in one, so that no two ever decide differently.
        const reason = await forgeryIn(payment, chain)
        if (reason) return { state: 'failed', reason, txHash: null }
        await book.keep(authorization)
        known = await book.find(by)
      }
      if (!known) throw new Error('a settlement just kept is gone')
      // The same nonce over other words: one of the two can never be paid, and which is the chain's to say.
      if (!isSameTransfer(known.authorization, authorization)) return { state: 'failed', reason: USED, txHash: null }
      if (known.state === 'accepted') {
        const objection = await decide(known, asking)
        known = (await book.find(by)) ?? known
        // Unless what speaks against it is that another, who asked at the same moment, has had it sent.
        if (objection && known.state === 'accepted') return { state: 'failed', reason: objection, txHash: null }
      }
      return follow(known, asking)
    },
    sweeps: [
      lineSweep({ ...options, ...lookout, sender, decide: (settlement) => decide(settlement, { reserved: true }) }),
      finalitySweep({ store, chain, everyMs: settings.watchMs }),
    ],
  }
}

/** Whether anything speaks against a payment, the cheapest question first. */
export async function judge(payment: Payment, chain: SettlementChain): Promise<Verdict> {
  const authorization = authorizationOf(payment)
  const { from: payer } = authorization
  const early = windowFaultOf(authorization, new Date()) ?? (await forgeryIn(payment, chain))
  if (early) return { isValid: false, payer, reason: early }
  const [reason, funds] = await Promise.all([chain.objectionTo(authorization), chain.balanceOf(payer)])
  return reason === null ? { isValid: true, payer, reason, funds } : { isValid: false, payer, reason }
}

/** What makes it no payment for what is asked, by whomever and whenever. */
async function forgeryIn(payment: Payment, chain: SettlementChain): Promise<string | null> {
  const fault = faultOf(payment, chain.token)
  if (fault) return fault
  const authorization = authorizationOf(payment)
  const isSigned = isSignedByPayer(authorization, chain.token) || (await chain.isSignedByContract(authorization))
  return isSigned ? null : 'invalid_exact_evm_signature'
}

/** Another process, or another transaction of the same authorization, may have ended it. */
const LOOK_MS = 1000

/** Waits with whoever asked until the chain has decided, but not for ever. */
function createFollower(lookout: Lookout, settings: FacilitatorSettings) {
  const watch = createWatch(lookout.chain, settings.pollMs)
  return async (settlement: Settlement, { waits = true }: Asking): Promise<SettlementResult> => {
    const until = performance.now() + (waits ? settings.patienceMs : 0)
    for (let current = settlement; ; ) {
      if (current.state === 'settled' || current.state === 'failed') return resultOf(current)
      // Before looking: it may land a moment after.
      const awaited = current.txHash === null ? null : watch.waitFor(current.txHash)
      try {
        const seen = await look(lookout, current).catch(() => 'open' as const)
        if (typeof seen === 'object') return resultOf(seen)
        if (performance.now() >= until) return resultOf(current)
        const left = Math.min(LOOK_MS, Math.max(0, until - performance.now()))
        await Promise.race([awaited?.landed ?? sleep(settings.pollMs), sleep(left, undefined, { ref: false })])
      } finally {
        awaited?.leave()
      }
      const { from: payer, nonce } = current.authorization
      current = (await lookout.book.find({ payer, nonce })) ?? current
    }
  }
}

function resultOf({ state, txHash, reason }: Settlement): SettlementResult {
  if (state === 'settled' && txHash) return { state, txHash }
  if (state === 'failed') return { state, reason: reason ?? 'unexpected_settle_error', txHash }
  return { state: 'pending', txHash }
}

/** Whatever the signature looks like: the words decide what is paid. */
function isSameTransfer(one: SignedAuthorization, other: SignedAuthorization): boolean {
  const words = ({ from, to, value, validAfter, validBefore, nonce }: SignedAuthorization) =>
    [from, to, value, validAfter, validBefore, nonce].join(' ')
  return words(one) === words(other)
}
