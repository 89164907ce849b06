import {
  type Address,
  address,
  appendTransactionMessageInstructions,
  createSolanaRpc,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  getU32Encoder,
  getU64Encoder,
  type Instruction,
  isAddress,
  partiallySignTransactionMessageWithSigners,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
  type TransactionPartialSigner,
} from '@solana/kit'
import { findAssociatedTokenPda, getTransferCheckedInstruction, TOKEN_PROGRAM_ADDRESS } from '@solana-program/token'
import { bytesOf, randomHex } from './bytes.ts'
import type { Outstanding, Wallet } from './wallet.ts'
import type { Requirement } from './x402.ts'

export interface SolanaWalletOptions {
  /** JSON-RPC by network: a transaction needs a recent blockhash. It is paid for on the networks named here and on no others. */
  readonly rpcUrls: Readonly<Record<string, string>>
}

/** USDC, and Circle's play money. */
const MINTS: Readonly<Record<string, string>> = {
  'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp': 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
  'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1': '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU',
}
const DECIMALS = 6
const COMPUTE_BUDGET = address('ComputeBudget111111111111111111111111111111')
const MEMO = address('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr')
const [COMPUTE_UNITS, MICRO_LAMPORTS_A_UNIT] = [20_000, 1n]
const MAX_MEMO_BYTES = 256
/** A blockhash is good for 150 blocks: a minute as a rule, and longer while the chain is slow. */
const LIFE_SECONDS = 120
const HISTORY = 1000
const EARLIER_SECONDS = 600n

/**
 * Pays in USDC on Solana by the scheme `exact`: the whole transaction is signed here but for who pays its fees. A signer of
 * `@solana/kit` pays. Needs the packages `@solana/kit` and `@solana-program/token`.
 */
export function solanaWallet(signer: TransactionPartialSigner, { rpcUrls }: SolanaWalletOptions): Wallet {
  const pays = ({ scheme, network, asset, payTo, extra = {} }: Requirement) => {
    const { feePayer, memo = '' } = extra
    const isOurs = scheme === 'exact' && rpcUrls[network] !== undefined && MINTS[network] === asset
    const isPayable = isAddress(payTo) && typeof feePayer === 'string' && isAddress(feePayer)
    // Whoever pays the fees signs too, so it must be nobody whose signature moves our money.
    const isApart = feePayer !== signer.address
    return isOurs && isPayable && isApart && typeof memo === 'string' && bytesOf(memo).length <= MAX_MEMO_BYTES
  }
  return {
    address: signer.address,
    pays,
    sign: async (requirement) => {
      const rpcUrl = rpcUrls[requirement.network]
      if (rpcUrl === undefined || !pays(requirement)) throw new TypeError('this wallet cannot pay what is asked for')
      // Two equal payments within a slot would be one transaction but for the memo.
      const memo = (requirement.extra?.['memo'] as string | undefined) || randomHex(16)
      const { value: latest } = await createSolanaRpc(rpcUrl).getLatestBlockhash().send()
      const transfer = await transferOf(signer, requirement)
      const message = pipe(
        createTransactionMessage({ version: 0 }),
        (m) => setTransactionMessageFeePayer(address(String(requirement.extra?.['feePayer'])), m),
        (m) => setTransactionMessageLifetimeUsingBlockhash(latest, m),
        (m) => appendTransactionMessageInstructions([...budget(), transfer, memoInstruction(memo)], m),
      )
      const transaction = getBase64EncodedWireTransaction(await partiallySignTransactionMessageWithSigners(message))
      return {
        ...{ payload: { transaction }, payer: signer.address },
        nonce: `${latest.lastValidBlockHeight}:${memo}`,
        validBefore: Math.floor(Date.now() / 1000) + LIFE_SECONDS,
      }
    },
    fateOf: async (payment) => {
      const rpcUrl = rpcUrls[payment.network]
      return rpcUrl === undefined ? 'open' : fateOn(rpcUrl, payment)
    },
  }
}

async function transferOf(signer: TransactionPartialSigner, { asset, payTo, amount }: Requirement) {
  const mint = address(asset)
  const accountOf = async (owner: Address) =>
    (await findAssociatedTokenPda({ owner, mint, tokenProgram: TOKEN_PROGRAM_ADDRESS }))[0]
  const [source, destination] = await Promise.all([accountOf(signer.address), accountOf(address(payTo))])
  const what = { source, mint, destination, authority: signer }
  return getTransferCheckedInstruction({ ...what, amount: BigInt(amount), decimals: DECIMALS })
}

function budget(): Instruction[] {
  const limit = Uint8Array.from([2, ...getU32Encoder().encode(COMPUTE_UNITS)])
  const price = Uint8Array.from([3, ...getU64Encoder().encode(MICRO_LAMPORTS_A_UNIT)])
  return [limit, price].map((data) => ({ programAddress: COMPUTE_BUDGET, data }))
}

function memoInstruction(memo: string): Instruction {
  return { programAddress: MEMO, data: bytesOf(memo) }
}

/** The height first: what has not landed when its blockhash is too old for every block that is final never will. */
async function fateOn(rpcUrl: string, { payer, nonce, validBefore }: Outstanding): Promise<'used' | 'void' | 'open'> {
  const rpc = createSolanaRpc(rpcUrl)
  const [, lastValid = '', memo = ''] = /^(\d+):([\s\S]*)$/.exec(nonce) ?? []
  const height = await rpc.getBlockHeight({ commitment: 'finalized' }).send()
  const all = await rpc.getSignaturesForAddress(address(payer), { limit: HISTORY, commitment: 'confirmed' }).send()
  // As the chain tells it: `[32] text`, and `; ` between several.
  if (
    all.some(
      (each) => each.err === null && each.memo?.split('; ').some((told) => told.replace(/^\[\d+\] /, '') === memo),
    )
  )
    return 'used'
  const oldest = all.at(-1)?.blockTime ?? null
  const isWhole = all.length < HISTORY || (oldest !== null && oldest < BigInt(validBefore) - EARLIER_SECONDS)
  return isWhole && lastValid !== '' && height > BigInt(lastValid) ? 'void' : 'open'
}
