import {
  type Address,
  bytesToHex,
  encodeFunctionData,
  type Hex,
  hexToBytes,
  isAddress,
  isAddressEqual,
  keccak256,
  parseSignature,
  stringToBytes,
  zeroAddress,
} from 'viem'
import type { Micros } from '#kernel/money'
import type { Intent, OwnAddress, SignedTransaction } from '../../rail.ts'
import { AUTHORIZATION_TYPES, TOKEN_ABI } from './abi.ts'
import { openVault, type Signing, type Vault } from './vault.ts'

export interface EvmSignerOptions {
  readonly masterSecret: Uint8Array
  readonly chainId: number
  readonly token: string
  /** The token's EIP-712 domain. */
  readonly domain: { readonly name: string; readonly version: string }
  /** The most a single payout may carry. */
  readonly maxPayment: Micros
}

/** What the network demands of one transaction. */
export interface Terms {
  /** The fee payer's next number. */
  readonly nonce: number
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  /** Unix seconds: in a block of this time or later the money stays where it is. */
  readonly validBefore: bigint
}

/**
 * The only thing that uses private keys. It is told what to pay, never what to sign: it builds each transaction itself, out
 * of one transfer of the one configured token, so no caller can make it sign anything else (D-34).
 */
export interface EvmSigner {
  readonly hotWallet: OwnAddress
  readonly feePayer: Address
  addressAt(index: number): Promise<OwnAddress>
  sign(intent: Intent, terms: Terms): Promise<SignedTransaction>
}

/** The signer was asked for something outside its rules: our bug, or an attack. */
export class IntentRefused extends Error {
  override readonly name = 'IntentRefused'
}

/** A transfer with authorization takes some 90,000, more where the recipient never held the token. */
export const GAS = 150_000n

export function createEvmSigner(options: EvmSignerOptions): EvmSigner {
  const vault = openVault(options)
  const own = (address: Address): OwnAddress => ({ address, tokenAccount: address })
  return {
    hotWallet: own(vault.hotWallet),
    feePayer: vault.hotWallet,
    addressAt: async (index) => own(vault.addressAt(index)),
    sign: async (intent, terms) => {
      if (intent.amount <= 0n) throw new IntentRefused('an amount must be positive')
      const [from, to] =
        intent.kind === 'pay'
          ? [vault.hotSigner(), recipientOf(intent, { vault, options })]
          : [vault.signerAt(intent.index), vault.hotWallet]
      const data = await authorizedTransfer({ from, to, intent, options, validBefore: terms.validBefore })
      return outer({ payer: vault.hotSigner(), data, options, terms })
    },
  }
}

function recipientOf(
  { to, amount }: Intent & { kind: 'pay' },
  { vault, options }: { vault: Vault; options: EvmSignerOptions },
): Address {
  if (!isAddress(to) || isAddressEqual(to, zeroAddress)) throw new IntentRefused(`${to} is not a wallet`)
  if ([vault.hotWallet, options.token as Address].some((own) => isAddressEqual(to, own)))
    throw new IntentRefused(`${to} is our own`)
  if (amount > options.maxPayment) throw new IntentRefused(`${amount} is more than one payout may carry`)
  return to
}

interface Transfer {
  readonly from: Signing
  readonly to: Address
  readonly intent: Intent
  readonly options: EvmSignerOptions
  readonly validBefore: bigint
}

/**
 * The owner's authorization (EIP-3009), carried in by whoever pays the gas. All transactions of one payout carry the same
 * authorization nonce, which the token takes once: however many of them land, the money moves once (D-15). After
 * `validBefore` none of them can.
 */
async function authorizedTransfer({ from, to, intent, options, validBefore }: Transfer): Promise<Hex> {
  const { domain, chainId, token } = options
  const nonce = authorizationNonce(intent.reference)
  const message = { from: from.address, to, value: intent.amount, validAfter: 0n, validBefore, nonce }
  const signature = await from.signTypedData({
    domain: { ...domain, chainId, verifyingContract: token as Address },
    types: AUTHORIZATION_TYPES,
    primaryType: 'TransferWithAuthorization',
    message,
  })
  const { r, s, yParity } = parseSignature(signature)
  const { value, validAfter } = message
  const args = [message.from, to, value, validAfter, validBefore, nonce, 27 + yParity, r, s] as const
  const call = encodeFunctionData({ abi: TOKEN_ABI, functionName: 'transferWithAuthorization', args })
  // Contracts read what they expect and no further; people who read the chain see what it was for.
  return `${call}${bytesToHex(stringToBytes(intent.reference)).slice(2)}`
}

/** `souk:<payout>:<attempt>` without the attempt. */
export function authorizationNonce(reference: string): Hex {
  return keccak256(stringToBytes(reference.replace(/:\d+$/, '')))
}

interface Outer {
  readonly payer: Signing
  readonly data: Hex
  readonly options: EvmSignerOptions
  readonly terms: Terms
}

async function outer({ payer, data, options, terms }: Outer): Promise<SignedTransaction> {
  const { nonce, maxFeePerGas, maxPriorityFeePerGas, validBefore } = terms
  const raw = await payer.signTransaction({
    type: 'eip1559',
    chainId: options.chainId,
    to: options.token as Address,
    gas: GAS,
    ...{ data, nonce, maxFeePerGas, maxPriorityFeePerGas },
  })
  return { signature: keccak256(raw), bytes: hexToBytes(raw), lastValidBlockHeight: validBefore }
}
