import type { Logger } from 'pino'
import type { Hex } from 'viem'
import { newId } from '#kernel/id'
import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import {
  authorizationOf,
  isSignedByPayer,
  paymentOf,
  readAuthorization,
  type SignedAuthorization,
} from './authorization.ts'
import type { SettlementChain } from './chain.ts'
import { faultOf, isSame, windowFaultOf } from './check.ts'
import { settlementRefusals } from './errors.ts'
import type { Asking, Facilitator, Payment, SettlementNetwork, SettlementResult, Verdict } from './payment.ts'
import { createSender } from './send.ts'
import {
  endSettlement,
  insertSettlement,
  refuseSettlement,
  type Settlement,
  settlementBy,
  unlandedAfter,
} from './store.ts'

export interface FacilitatorOptions {
  readonly store: Store
  readonly chain: SettlementChain
  readonly log: Pick<Logger, 'warn' | 'error'>
  readonly settings: FacilitatorSettings
}

export interface FacilitatorSettings {
  /** How often a transaction under way is asked for. */
  readonly pollMs: number
  /** How long who asked is kept waiting before the answer is "pending". */
  readonly patienceMs: number
  /** How long a transaction may be missing before it is sent again. */
  readonly resendMs: number
}

export const DEFAULT_FACILITATOR_SETTINGS: FacilitatorSettings = { pollMs: 250, patienceMs: 25_000, resendMs: 4_000 }

const USED = 'invalid_exact_evm_nonce_already_used'
const SWEEP_BATCH = 100

/** What payers and sellers must know of an EVM chain, and how payments on it are read. */
export function evmNetwork({ network, token, relayer }: SettlementChain): Pick<Facilitator, 'chain' | 'read'> {
  const { address: asset, name, version } = token
  const chain: SettlementNetwork = { network, asset, extra: { name, version }, relayer, isSame }
  return {
    chain,
    read: (payload) => {
      const authorization = readAuthorization(payload)
      if (authorization) return paymentOf(authorization, network)
      throw settlementRefusals.payment_malformed({ fault: 'its payload is no signed EIP-3009 authorization' })
    },
  }
}

/** On one EVM chain, by authorizations (EIP-3009). */
export function createEvmFacilitator({ store, chain, log, settings }: FacilitatorOptions): Facilitator {
  const { network } = chain
  const send = createSender({ store, chain, log })
  const find = (by: { payer: Hex; nonce: Hex }) => settlementBy(store.read, { network, ...by })
  const follow = createFollower({ store, chain, settings })

  /** Sends it, or refuses it: whoever comes first to the row. Answers what stands in the way for this asker only. */
  const decide = async ({ id, authorization }: Settlement, { reserved = false }: Asking): Promise<string | null> => {
    const reason = windowFaultOf(authorization, new Date()) ?? (await chain.objectionTo(authorization))
    if (reason === null) {
      await send(id)
      return null
    }
    // What speaks against it may be that it has paid: somebody else had it sent, or another facilitator before us.
    const txHash = await chain.transferOf(authorization)
    if (txHash && !reserved) return USED
    await store.transact((tx) =>
      txHash ? endSettlement(tx, { id, end: { state: 'settled', txHash } }) : refuseSettlement(tx, { id, reason }),
    )
    return null
  }

  return {
    ...evmNetwork(chain),
    verify: async (payment) => {
      const { from: payer, nonce } = authorizationOf(payment)
      const known = await find({ payer, nonce })
      return known ? { isValid: false, payer, reason: USED } : judge(payment, chain)
    },
    settle: async (payment, asking = {}) => {
      const authorization = authorizationOf(payment)
      // Whatever has become of it: what is not for this price or to this wallet pays nobody here.
      const fault = faultOf(payment, chain.token)
      if (fault) return { state: 'failed', reason: fault, txHash: null }
      const by = { payer: authorization.from, nonce: authorization.nonce }
      let known = await find(by)
      if (!known) {
        // What is not even a payment leaves no row; everything else is decided in one, so that no two ever decide differently.
        const reason = await forgeryIn(payment, chain)
        if (reason) return { state: 'failed', reason, txHash: null }
        await store.transact((tx) => insertSettlement(tx, { id: newId(), network, authorization }))
        known = await find(by)
      }
      if (!known) throw new Error('a settlement just kept is gone')
      // The same nonce over other words: one of the two can never be paid, and which is the chain's to say.
      if (!isSameTransfer(known.authorization, authorization)) return { state: 'failed', reason: USED, txHash: null }
      if (known.state === 'accepted') {
        const objection = await decide(known, asking)
        if (objection) return { state: 'failed', reason: objection, txHash: null }
        known = (await find(by)) ?? known
      }
      return follow(known, asking)
    },
    sweeps: [resendSweep({ store, chain, log, settings })],
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

type Parts = Pick<FacilitatorOptions, 'store' | 'chain' | 'settings'>

/** Waits with whoever asked until the chain has decided, but not for ever. */
function createFollower({ store, chain, settings }: Parts) {
  return async (settlement: Settlement, { waits = true }: Asking): Promise<SettlementResult> => {
    const until = performance.now() + (waits ? settings.patienceMs : 0)
    for (let current = settlement; ; ) {
      if (current.state === 'settled' || current.state === 'failed') return resultOf(current)
      const seen = await look(store, chain, current).catch(() => 'open' as const)
      if (typeof seen === 'object') return resultOf(seen)
      if (performance.now() >= until) return resultOf(current)
      await new Promise((resolve) => setTimeout(resolve, settings.pollMs))
      const { from: payer, nonce } = current.authorization
      current = (await settlementBy(store.read, { network: chain.network, payer, nonce })) ?? current
    }
  }
}

/** Asks the chain once; ends the settlement when it has an end. */
async function look(
  store: Store,
  chain: SettlementChain,
  settlement: Settlement,
): Promise<Settlement | 'missing' | 'open'> {
  const { id, txHash, authorization } = settlement
  if (!txHash) return 'open'
  const landing = await chain.landingOf(txHash)
  if (landing.state === 'missing') return 'missing'
  // The time first: what is found unused after its end was never used.
  const now = await chain.time()
  // Refused by the token: perhaps because somebody else has sent the same authorization, which pays as well.
  const paid = landing.succeeded ? txHash : await chain.transferOf(authorization)
  // It is public by now, and as long as it is good anybody may send it again with better luck.
  if (!paid && now <= authorization.validBefore) return 'open'
  const end = paid
    ? ({ state: 'settled', txHash: paid } as const)
    : ({ state: 'failed', reason: 'invalid_exact_evm_transaction_failed' } as const)
  await store.transact((tx) => endSettlement(tx, { id, end }))
  return { ...settlement, ...end, reason: end.state === 'failed' ? end.reason : null }
}

/** Looks after transactions whose askers have gone: sends them again as the same bytes, and ends what has landed. */
function resendSweep({ store, chain, log, settings }: Omit<FacilitatorOptions, 'settings'> & Parts): Sweep {
  return {
    name: `settlements:${chain.network}`,
    everyMs: 1000,
    ignoresWakes: true,
    run: async () => {
      const asked = { network: chain.network, olderThanMs: settings.resendMs, limit: SWEEP_BATCH }
      let ended = 0
      for (const { settlement, bytes } of await unlandedAfter(store.read, asked)) {
        try {
          const seen = await look(store, chain, settlement)
          if (typeof seen === 'object') ended++
          if (seen === 'missing') await chain.broadcast(bytes)
        } catch (error) {
          // One that cannot be told holds no other back: they wait for it on the chain as it is.
          log.warn({ err: error, settlement: settlement.id }, 'a settlement was looked for or sent again in vain')
        }
      }
      return ended
    },
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
