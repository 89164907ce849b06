import secp256k1 from 'secp256k1'
import { concat, type Hex, hashDomain, hexToBytes, isAddress, isHex, keccak256, numberToHex, pad, toHex } from 'viem'
import type { SignedPayment } from './payment.ts'

/** A transfer of tokens somebody signed (EIP-3009): anybody may send it, and the token takes it once per payer and nonce. */
export interface Authorization {
  readonly from: Hex
  readonly to: Hex
  /** In the token's smallest units. */
  readonly value: bigint
  /** Seconds since 1970; good strictly between the two. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  /** 32 bytes of the payer's choice. */
  readonly nonce: Hex
}

export interface SignedAuthorization extends Authorization {
  readonly signature: Hex
}

/** A token that takes authorizations, and the domain its signatures are made for (EIP-712). */
export interface Token {
  readonly chainId: number
  readonly address: Hex
  readonly name: string
  readonly version: string
}

const TYPE_HASH = keccak256(
  toHex(
    'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)',
  ),
)
const DOMAIN = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
] as const
const COMPACT_BYTES = 64
const SIGNATURE_BYTES = 65
/** Half the order of the curve: of the two signatures that mean the same, tokens take only the lower (EIP-2). */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

const separators = new Map<string, Hex>()

/** What the payer's wallet signed. */
export function digestOf(authorization: Authorization, token: Token): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const numbers = [value, validAfter, validBefore].map((number) => numberToHex(number, { size: 32 }))
  const struct = keccak256(concat([TYPE_HASH, pad(from), pad(to), ...numbers, nonce]))
  return keccak256(concat(['0x1901', separatorOf(token), struct]))
}

/**
 * Whether the payer's own key signed this. Says nothing of wallets that are contracts, which only the chain can ask. In
 * native code: viem's recovery takes two milliseconds.
 */
export function isSignedByPayer(signed: SignedAuthorization, token: Token): boolean {
  const signature = hexToBytes(signed.signature)
  const parity = (signature[COMPACT_BYTES] ?? 0) % 27
  if (signature.length !== SIGNATURE_BYTES || parity > 1 || isHighHalf(signature)) return false
  try {
    const digest = hexToBytes(digestOf(signed, token))
    const key = secp256k1.ecdsaRecover(signature.subarray(0, COMPACT_BYTES), parity, digest, false)
    return `0x${keccak256(key.slice(1)).slice(-40)}` === signed.from.toLowerCase()
  } catch {
    return false
  }
}

/** Reads an authorization as it comes over the wire; null when it is none. Addresses are kept in lower case. */
export function readAuthorization(payload: unknown): SignedAuthorization | null {
  const { authorization, signature } = recordOf(payload)
  const { from, to, value, validAfter, validBefore, nonce } = recordOf(authorization)
  const numbers = [value, validAfter, validBefore].map(readUint)
  const [amount, after, before] = numbers
  if (!isWallet(from) || !isWallet(to) || !isBytes(nonce, 32) || !isHex(signature, { strict: true })) return null
  if (amount === undefined || after === undefined || before === undefined) return null
  if (signature.length % 2 !== 0 || signature.length > MAX_SIGNATURE_HEX) return null
  return {
    ...{ from: lower(from), to: lower(to), value: amount, validAfter: after, validBefore: before },
    ...{ nonce: lower(nonce), signature: lower(signature) },
  }
}

/** The way back: numbers as text, as they go over the wire. */
export function writeAuthorization({ signature, ...words }: SignedAuthorization) {
  const { value, validAfter, validBefore } = words
  const texts = { value: String(value), validAfter: String(validAfter), validBefore: String(validBefore) }
  return { signature, authorization: { ...words, ...texts } }
}

/** An authorization in the words that all networks share. */
export function paymentOf(signed: SignedAuthorization, network: string): SignedPayment {
  const { from: payer, nonce, signature: seal, value: amount } = signed
  return { network, payer, nonce, seal, amount, payload: writeAuthorization(signed) }
}

/** The authorization in a payment that was read before. */
export function authorizationOf({ payload }: Pick<SignedPayment, 'payload'>): SignedAuthorization {
  const authorization = readAuthorization(payload)
  if (!authorization) throw new Error('a payment that was read holds no authorization')
  return authorization
}

/** Wallets that are contracts sign at more length; nothing honest is longer than this. */
const MAX_SIGNATURE_HEX = 8192
const UINT256_END = 2n ** 256n

function readUint(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !/^(0|[1-9]\d{0,77})$/.test(value)) return undefined
  const number = BigInt(value)
  return number < UINT256_END ? number : undefined
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isWallet(value: unknown): value is Hex {
  return typeof value === 'string' && isAddress(value, { strict: false })
}

function isBytes(value: unknown, length: number): value is Hex {
  return isHex(value, { strict: true }) && value.length === 2 + 2 * length
}

function lower(hex: Hex): Hex {
  return hex.toLowerCase() as Hex
}

function separatorOf({ chainId, address, name, version }: Token): Hex {
  const key = `${chainId} ${address} ${name} ${version}`
  const known = separators.get(key)
  if (known) return known
  const domain = { name, version, chainId: BigInt(chainId), verifyingContract: address }
  const separator = hashDomain({ domain, types: { EIP712Domain: DOMAIN } })
  separators.set(key, separator)
  return separator
}

function isHighHalf(signature: Uint8Array): boolean {
  return BigInt(toHex(signature.subarray(32, COMPACT_BYTES))) > HALF_ORDER
}
