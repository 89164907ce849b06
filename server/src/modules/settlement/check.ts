import { authorizationOf, type SignedAuthorization, type Token } from './authorization.ts'
import type { Payment } from './payment.ts'

/** A transaction needs time to land: an authorization about to end is not taken. */
const MARGIN_SECONDS = 6n
/** Nor one that stays good for long: until it has ended nobody knows that it was not used after all. */
const LONGEST_SECONDS = 3600n

/** Whether a payment is for what is asked, on this chain: null when it is, else the code that clients of x402 know. */
export function faultOf(payment: Payment, token: Token): string | null {
  const { requirements, accepted } = payment
  const authorization = authorizationOf(payment)
  const { name, version } = requirements.extra
  const isOurs = (network: string) => network === `eip155:${token.chainId}`
  if (accepted.scheme !== 'exact' || requirements.scheme !== 'exact') return 'invalid_exact_evm_scheme'
  if (!isOurs(requirements.network)) return 'invalid_network'
  if (accepted.network !== requirements.network) return 'invalid_exact_evm_network_mismatch'
  if (!isSame(requirements.asset, token.address)) return 'invalid_payment_requirements'
  if (name !== undefined && name !== token.name) return 'invalid_exact_evm_token_name_mismatch'
  if (version !== undefined && version !== token.version) return 'invalid_exact_evm_token_version_mismatch'
  if (!isSame(authorization.to, requirements.payTo)) return 'invalid_exact_evm_recipient_mismatch'
  if (authorization.value !== requirements.amount) return 'invalid_exact_evm_payload_authorization_value_mismatch'
  return null
}

/** Whether it is good now. Windows are of outside protocols, so they are judged by real time (D-26). */
export function windowFaultOf({ validBefore, validAfter }: SignedAuthorization, now: Date): string | null {
  const seconds = BigInt(Math.floor(now.getTime() / 1000))
  if (validBefore < seconds + MARGIN_SECONDS || validBefore > seconds + LONGEST_SECONDS)
    return 'invalid_exact_evm_payload_authorization_valid_before'
  return validAfter > seconds ? 'invalid_exact_evm_payload_authorization_valid_after' : null
}

/** Of EVM's addresses letters' case is a checksum at most. */
export function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
