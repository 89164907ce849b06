import { randomBytes } from 'node:crypto'
import { getAddress, type Hex, toHex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { type Payment, type SignedAuthorization, type Token, writeAuthorization } from '#settlement'

/** The sandbox's token: Base Sepolia's USDC. */
export const TOKEN: Token = {
  ...{ chainId: 84532, address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e' },
  ...{ name: 'USDC', version: '2' },
}
export const EVM_NETWORK = `eip155:${TOKEN.chainId}`

/** What EIP-3009 has payers sign. */
export const AUTHORIZATION_TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

export interface Wish {
  readonly from: PrivateKeyAccount
  readonly to: Hex
  readonly value: bigint
  /** What the seller asks, when it is something else than what is paid. */
  readonly asked?: bigint
  readonly nonce?: Hex
  /** How long it is good from now. */
  readonly seconds?: number
}

export interface EvmPayment extends Payment {
  readonly authorization: SignedAuthorization
}

/** A payment as a wallet signs it. */
export async function signPayment(wish: Wish): Promise<EvmPayment> {
  const { from, to, value, asked = value, nonce, seconds = 60 } = wish
  const now = BigInt(Math.floor(Date.now() / 1000))
  const window = { validAfter: now - 5n, validBefore: now + BigInt(seconds) }
  const message = { from: from.address, to, value, ...window, nonce: nonce ?? toHex(randomBytes(32)) }
  const { chainId, address, name, version } = TOKEN
  const signature = await from.signTypedData({
    domain: { name, version, chainId, verifyingContract: getAddress(address) },
    ...{ types: AUTHORIZATION_TYPES, primaryType: 'TransferWithAuthorization', message },
  })
  const authorization = {
    ...message,
    ...{ from: from.address.toLowerCase() as Hex, to: to.toLowerCase() as Hex, signature },
  }
  const requirements = { scheme: 'exact', network: EVM_NETWORK, asset: address, payTo: to, amount: asked }
  return {
    ...carrying(authorization),
    accepted: { scheme: 'exact', network: EVM_NETWORK },
    requirements: { ...requirements, extra: { name, version } },
  }
}

/** What a payment says that carries this authorization. */
export function carrying(authorization: SignedAuthorization) {
  const { from: payer, nonce, signature: seal, value: amount } = authorization
  return { network: EVM_NETWORK, payer, nonce, seal, amount, authorization, payload: writeAuthorization(authorization) }
}
