import { randomBytes } from 'node:crypto'
import {
  type Address,
  address,
  appendTransactionMessageInstructions,
  type Blockhash,
  createSolanaRpc,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  getU32Encoder,
  getU64Encoder,
  type Instruction,
  type KeyPairSigner,
  partiallySignTransactionMessageWithSigners,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit'
import { findAssociatedTokenPda, getTransferCheckedInstruction, TOKEN_PROGRAM_ADDRESS } from '@solana-program/token'
import { DEVNET_USDC_MINT, tokenAddress } from '@souk/devchain/solana'

/** The network of the sandbox: Solana's test network. */
export const SVM_NETWORK = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'
export const MINT = DEVNET_USDC_MINT
const COMPUTE_BUDGET = address('ComputeBudget111111111111111111111111111111')
const MEMO = address('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr')

export interface SvmWish {
  readonly from: KeyPairSigner
  readonly payTo: string
  readonly value: bigint
  readonly feePayer: string
  /** What the seller asks, when it is something else than what is paid. */
  readonly asked?: bigint
  readonly mint?: string
  readonly source?: string
  readonly destination?: string
  readonly authority?: KeyPairSigner | string
  readonly memo?: string
  readonly askedMemo?: string
  readonly units?: number
  readonly price?: bigint
  readonly blockhash?: string
  /** In place of the compute budget's two, and after the memo. */
  readonly first?: readonly Instruction[]
  readonly last?: readonly Instruction[]
  readonly version?: 0 | 'legacy'
}

export const memoOf = (text: string): Instruction => ({ programAddress: MEMO, data: Buffer.from(text) })

/** A transaction as a wallet signs it for x402: everything but the signature of who pays the fees. */
export async function signTransaction(rpcUrl: string, wish: SvmWish): Promise<string> {
  const { from, payTo, value, feePayer, mint = MINT, units = 20_000, price = 1n } = wish
  const { value: latest } = await createSolanaRpc(rpcUrl).getLatestBlockhash().send()
  const lifetime = { ...latest, ...(wish.blockhash ? { blockhash: wish.blockhash as Blockhash } : {}) }
  const transfer = getTransferCheckedInstruction({
    source: (wish.source ?? (await tokenAddress(from.address, mint))) as Address,
    mint: address(mint),
    destination: (wish.destination ?? (await tokenAccountOf(payTo, mint))) as Address,
    authority: (wish.authority ?? from) as KeyPairSigner,
    ...{ amount: value, decimals: 6 },
  })
  const budget = wish.first ?? [unitLimit(units), unitPrice(price)]
  const memo = memoOf(wish.memo ?? randomBytes(16).toString('hex'))
  const message = pipe(
    createTransactionMessage({ version: wish.version ?? 0 }),
    (m) => setTransactionMessageFeePayer(address(feePayer), m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
    (m) => appendTransactionMessageInstructions([...budget, transfer, memo, ...(wish.last ?? [])], m),
  )
  return getBase64EncodedWireTransaction(await partiallySignTransactionMessageWithSigners(message))
}

/** The entry of `accepts` that such a payment answers. */
export function requirementsOf({ payTo, value, asked = value, feePayer, askedMemo }: SvmWish) {
  return {
    ...{ scheme: 'exact', network: SVM_NETWORK, asset: MINT, payTo, amount: asked },
    extra: { feePayer, ...(askedMemo === undefined ? {} : { memo: askedMemo }) },
  }
}

export const unitLimit = (units: number): Instruction => ({
  programAddress: COMPUTE_BUDGET,
  data: Uint8Array.from([2, ...getU32Encoder().encode(units)]),
})

export const unitPrice = (microLamports: bigint): Instruction => ({
  programAddress: COMPUTE_BUDGET,
  data: Uint8Array.from([3, ...getU64Encoder().encode(microLamports)]),
})

export async function tokenAccountOf(owner: string, mint = MINT): Promise<Address> {
  const seeds = { owner: address(owner), mint: address(mint), tokenProgram: TOKEN_PROGRAM_ADDRESS }
  return (await findAssociatedTokenPda(seeds))[0]
}
