import {
  type Address,
  address,
  appendTransactionMessageInstructions,
  type Blockhash,
  createTransactionMessage,
  getSignatureFromTransaction,
  getTransactionEncoder,
  getU64Encoder,
  type Instruction,
  isAddress,
  isOffCurveAddress,
  type KeyPairSigner,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit'
import {
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getTransferCheckedInstruction,
} from '@solana-program/token'
import type { Micros } from '#kernel/money'
import type { Intent, OwnAddress, SignedTransaction } from '../../rail.ts'
import { COMPUTE_BUDGET_PROGRAM, MEMO_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import { openVault, type Vault } from './vault.ts'

export interface SignerOptions {
  readonly masterSecret: Uint8Array
  /** 32-byte seed of a key of its own for the network's fees; the hot wallet pays otherwise. */
  readonly feePayerSeed?: Uint8Array
  readonly mint: string
  readonly decimals: number
  /** The most a single payout may carry. */
  readonly maxPayment: Micros
  /** Tip for being included sooner; zero adds no instruction. */
  readonly priorityFeeMicroLamports: bigint
}

export interface Lifetime {
  readonly blockhash: Blockhash
  readonly lastValidBlockHeight: bigint
}

/**
 * The only thing that uses private keys. It is told what to pay, never what to sign: it builds each transaction itself,
 * out of one `transferChecked` of the one configured mint, so no caller can make it sign anything else (D-34).
 */
export interface SolanaSigner {
  readonly hotWallet: OwnAddress
  readonly feePayer: Address
  addressAt(index: number): Promise<OwnAddress>
  sign(intent: Intent, lifetime: Lifetime): Promise<SignedTransaction>
}

/** The signer was asked for something outside its rules: our bug, or an attack. */
export class IntentRefused extends Error {
  override readonly name = 'IntentRefused'
}

const SET_COMPUTE_UNIT_PRICE = 3

export async function createSolanaSigner(options: SignerOptions): Promise<SolanaSigner> {
  const vault = openVault(options)
  const mint = address(options.mint)
  const tokenAccountOf = async (owner: Address): Promise<Address> =>
    (await findAssociatedTokenPda({ owner, mint, tokenProgram: TOKEN_PROGRAM }))[0]
  const own = async (owner: Address): Promise<OwnAddress> => ({
    address: owner,
    tokenAccount: await tokenAccountOf(owner),
  })
  const hotWallet = await own(vault.hotWallet)
  return {
    hotWallet,
    feePayer: vault.feePayer,
    addressAt: (index) => own(vault.addressAt(index)),
    sign: async (intent, lifetime) => {
      if (intent.amount <= 0n) throw new IntentRefused('an amount must be positive')
      const feePayer = await vault.feeSigner()
      const instructions =
        intent.kind === 'pay'
          ? await payment({ intent, vault, mint, tokenAccountOf, options })
          : await collection({ intent, vault, mint, tokenAccountOf, options })
      return compile({ feePayer, instructions: framed(instructions, intent.reference, options), lifetime })
    },
  }
}

interface Parts<I extends Intent> {
  readonly intent: I
  readonly vault: Vault
  readonly mint: Address
  readonly tokenAccountOf: (owner: Address) => Promise<Address>
  readonly options: SignerOptions
}

async function payment({ intent, vault, mint, tokenAccountOf, options }: Parts<Intent & { kind: 'pay' }>) {
  const { to, amount } = intent
  if (!isAddress(to) || isOffCurveAddress(to)) throw new IntentRefused(`${to} is not a wallet`)
  if (to === vault.hotWallet || to === vault.feePayer || to === mint) throw new IntentRefused(`${to} is our own`)
  if (amount > options.maxPayment) throw new IntentRefused(`${amount} is more than one payout may carry`)
  return [
    getTransferCheckedInstruction({
      source: await tokenAccountOf(vault.hotWallet),
      mint,
      destination: await tokenAccountOf(to),
      authority: await vault.hotSigner(),
      amount,
      decimals: options.decimals,
    }),
  ]
}

async function collection({ intent, vault, mint, tokenAccountOf, options }: Parts<Intent & { kind: 'collect' }>) {
  const { index, amount } = intent
  const authority = await vault.signerAt(index)
  const destination = await tokenAccountOf(vault.hotWallet)
  const payer = await vault.feeSigner()
  return [
    getCreateAssociatedTokenIdempotentInstruction({ payer, ata: destination, owner: vault.hotWallet, mint }),
    getTransferCheckedInstruction({
      source: await tokenAccountOf(authority.address),
      mint,
      destination,
      authority,
      amount,
      decimals: options.decimals,
    }),
  ]
}

/** The reference makes two equal payments two different transactions, and tells anybody reading the chain what it was for. */
function framed(core: readonly Instruction[], reference: string, { priorityFeeMicroLamports }: SignerOptions) {
  const memo: Instruction = { programAddress: MEMO_PROGRAM, data: new TextEncoder().encode(reference) }
  if (priorityFeeMicroLamports === 0n) return [...core, memo]
  const price = getU64Encoder().encode(priorityFeeMicroLamports)
  const tip: Instruction = {
    programAddress: COMPUTE_BUDGET_PROGRAM,
    data: Uint8Array.from([SET_COMPUTE_UNIT_PRICE, ...price]),
  }
  return [tip, ...core, memo]
}

async function compile(parts: {
  readonly feePayer: KeyPairSigner
  readonly instructions: readonly Instruction[]
  readonly lifetime: Lifetime
}): Promise<SignedTransaction> {
  const { feePayer, instructions, lifetime } = parts
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(feePayer, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
    (m) => appendTransactionMessageInstructions(instructions, m),
  )
  const signed = await signTransactionMessageWithSigners(message)
  return {
    signature: getSignatureFromTransaction(signed),
    bytes: Uint8Array.from(getTransactionEncoder().encode(signed)),
    lastValidBlockHeight: lifetime.lastValidBlockHeight,
  }
}
