import { randomBytes } from 'node:crypto'
import secp256k1 from 'secp256k1'
import { type Hex, hexToBytes, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { digestOf, type Token } from '../../src/modules/settlement/authorization.ts'

/** What a 402 asks, as far as paying it takes. */
export interface Asked {
  readonly network: string
  readonly amount: string
  readonly asset: string
  readonly payTo: string
  readonly extra: { readonly name: string; readonly version: string }
}

/** Longer than any slice: payments are signed before it begins. */
const GOOD_FOR_SECONDS = 900

/**
 * Signs payments of the `exact` scheme, fifty times as fast as wallets do, because it works on the processors of what it
 * measures. The bytes are the ones a wallet would make.
 */
export function createPayer(secretKey: Hex): (asked: Asked) => string {
  const key = hexToBytes(secretKey)
  const from = privateKeyToAccount(secretKey).address
  return (asked) => {
    const now = BigInt(Math.floor(Date.now() / 1000))
    const [validAfter, validBefore] = [now - 5n, now + BigInt(GOOD_FOR_SECONDS)]
    const nonce = toHex(randomBytes(32))
    const words = { from, to: asked.payTo as Hex, value: BigInt(asked.amount), validAfter, validBefore, nonce }
    const { signature, recid } = secp256k1.ecdsaSign(hexToBytes(digestOf(words, tokenOf(asked))), key)
    const authorization = { ...words, value: asked.amount, validAfter: `${validAfter}`, validBefore: `${validBefore}` }
    const payload = { authorization, signature: `${toHex(signature)}${(27 + recid).toString(16)}` }
    return Buffer.from(JSON.stringify({ x402Version: 2, accepted: asked, payload })).toString('base64')
  }
}

function tokenOf({ network, asset, extra: { name, version } }: Asked): Token {
  return { chainId: Number(network.split(':')[1]), address: asset as Hex, name, version }
}
