import type { Hex } from 'viem'
import type { SignedAuthorization, Token } from './authorization.ts'

/** What a seller asks for, by the `exact` scheme. */
export interface Requirements {
  readonly scheme: string
  /** CAIP-2 */
  readonly network: string
  readonly asset: string
  readonly payTo: string
  /** In the token's smallest units. */
  readonly amount: bigint
  /** The token's domain as the seller knows it. */
  readonly name: string | undefined
  readonly version: string | undefined
}

export interface Payment {
  readonly authorization: SignedAuthorization
  readonly requirements: Requirements
  /** The requirements the buyer says to have accepted. */
  readonly accepted: { readonly scheme: string; readonly network: string }
}

/** A transaction needs time to land: an authorization about to end is not taken. */
const MARGIN_SECONDS = 6n
/** Nor one that stays good for long: until it has ended nobody knows that it was not used after all. */
const LONGEST_SECONDS = 3600n

/** Whether a payment is for what is asked, on this chain: null when it is, else the code that clients of x402 know. */
export function faultOf({ authorization, requirements, accepted }: Payment, token: Token): string | null {
  const isOurs = (network: string) => network === `eip155:${token.chainId}`
  if (accepted.scheme !== 'exact' || requirements.scheme !== 'exact') return 'invalid_exact_evm_scheme'
  if (!isOurs(requirements.network)) return 'invalid_network'
  if (accepted.network !== requirements.network) return 'invalid_exact_evm_network_mismatch'
  if (!isSame(requirements.asset, token.address)) return 'invalid_payment_requirements'
  if (requirements.name !== undefined && requirements.name !== token.name)
    return 'invalid_exact_evm_token_name_mismatch'
  if (requirements.version !== undefined && requirements.version !== token.version)
    return 'invalid_exact_evm_token_version_mismatch'
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

function isSame(one: Hex | string, other: Hex | string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
