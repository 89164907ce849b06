import type { Logger } from 'pino'
import type { Hex } from 'viem'
import type { SettlementChain } from './chain.ts'
import { evmNetwork, judge } from './facilitator.ts'
import { outcomeOf } from './outcome.ts'
import type { Facilitator, Payment } from './payment.ts'

export interface OutsideFacilitatorOptions {
  /** Where it answers `/settle`. */
  readonly url: string
  readonly chain: SettlementChain
  readonly log: Pick<Logger, 'warn'>
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 60_000

/**
 * Somebody else's facilitator, named by the operator. It sends and pays the gas; what it says of the outcome is believed only
 * as far as the chain bears it out: paid is what the token recorded as paid, and a payment has failed only when the
 * authorization was not used and no longer can be. Everything between is unknown (D-28).
 */
export function createOutsideFacilitator(options: OutsideFacilitatorOptions): Facilitator {
  const { chain } = options
  const asked = new Map<string, Promise<Hex | null>>()
  /** Who comes while one is asking joins him: it would only be told to wait as well. */
  const askOnce = (payment: Payment): Promise<Hex | null> => {
    const key = `${payment.payer} ${payment.nonce}`
    const asking = asked.get(key) ?? ask(options, payment).finally(() => asked.delete(key))
    asked.set(key, asking)
    return asking
  }
  return {
    ...evmNetwork(chain),
    sweeps: [],
    verify: (payment) => judge(payment, chain),
    settle: async (payment, { waits = true } = {}) => {
      const before = await outcomeOf(payment, { chain })
      if (before.state !== 'pending') return before
      const asking = askOnce(payment)
      if (!waits) return before
      const hint = await asking
      const after = await outcomeOf(payment, { chain })
      return after.state === 'pending' ? { state: 'pending', txHash: hint } : after
    },
  }
}

/** Answers the transaction it names, if it names one; whatever goes wrong, nothing is known. */
async function ask(
  { url, log, timeoutMs = TIMEOUT_MS }: OutsideFacilitatorOptions,
  payment: Payment,
): Promise<Hex | null> {
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/settle`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(wireOf(payment)),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    })
    const { transaction, success, errorReason } = (await response.json()) as Record<string, unknown>
    if (success !== true) log.warn({ errorReason, status: response.status }, 'the outside facilitator did not settle')
    return typeof transaction === 'string' && /^0x[0-9a-f]{64}$/i.test(transaction)
      ? (transaction as `0x${string}`)
      : null
  } catch (error) {
    log.warn({ err: error }, 'the outside facilitator gave no answer')
    return null
  }
}

function wireOf({ payload, requirements, accepted }: Payment) {
  const asked = { ...requirements, amount: String(requirements.amount), maxTimeoutSeconds: 60 }
  return {
    x402Version: 2,
    paymentRequirements: asked,
    paymentPayload: { x402Version: 2, accepted: { ...asked, ...accepted }, payload },
  }
}
