import {
  type Address,
  address,
  appendTransactionMessageInstructions,
  type Base64EncodedWireTransaction,
  type Blockhash,
  createSolanaRpc,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  type Instruction,
  type KeyPairSigner,
  pipe,
  type Signature,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit'
import { getTransferCheckedInstruction } from '@solana-program/token'
import { callRpc } from '../rpc/rpc-client.ts'
import { type SolanaChain, startSolanaChain } from './chain.ts'
import { DEVNET_USDC_MINT } from './index.ts'
import type { SolanaChainOptions } from './settings.ts'
import { createWallet, faucet, openTokenAccount, tokenAddress, walletSigner } from './wallet.ts'

export const MINT = address(DEVNET_USDC_MINT)

export interface Holder {
  readonly signer: KeyPairSigner
  readonly address: Address
  readonly secretKey: string
  readonly ata: Address
}

export interface Signed {
  readonly signature: Signature
  readonly wire: Base64EncodedWireTransaction
}

/** A client of the chain made of @solana/kit, as a stranger would write it. */
export function clientOf(rpcUrl: string) {
  const rpc = createSolanaRpc(rpcUrl)
  const raw = <T>(method: string, ...params: unknown[]): Promise<T> => callRpc<T>(rpcUrl, method, params)

  async function newHolder(micros: bigint): Promise<Holder> {
    const { address: own, secretKey } = await createWallet()
    await faucet({ rpcUrl, address: own, amount: micros })
    if (micros === 0n) await openTokenAccount({ rpcUrl, secretKey, mint: MINT })
    const ata = (await tokenAddress(own, MINT)) as Address
    return { signer: await walletSigner(secretKey), address: own as Address, secretKey, ata }
  }

  async function sign(
    payer: KeyPairSigner,
    instructions: readonly Instruction[],
    options: SignOptions = {},
  ): Promise<Signed> {
    const { value } = await rpc.getLatestBlockhash().send()
    const lifetime = { ...value, ...(options.blockhash ? { blockhash: options.blockhash as Blockhash } : {}) }
    const message = pipe(
      createTransactionMessage({ version: options.version ?? 0 }),
      (m) => setTransactionMessageFeePayerSigner(payer, m),
      (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
      (m) => appendTransactionMessageInstructions(instructions, m),
    )
    const signed = await signTransactionMessageWithSigners(message)
    return { signature: getSignatureFromTransaction(signed), wire: getBase64EncodedWireTransaction(signed) }
  }

  const send = ({ wire }: Signed, skipPreflight = false): Promise<Signature> =>
    rpc.sendTransaction(wire, { encoding: 'base64', skipPreflight }).send()

  return {
    rpc,
    rpcUrl,
    raw,
    newHolder,
    sign,
    send,
    async pay(from: Holder, to: Holder, amount: bigint): Promise<Signature> {
      return send(await sign(from.signer, [transfer(from, to, amount)]))
    },
    balance: async (ata: Address, commitment: 'processed' | 'confirmed' | 'finalized' = 'processed'): Promise<bigint> =>
      BigInt((await rpc.getTokenAccountBalance(ata, { commitment }).send()).value.amount),
    advance: (slots: number) => raw<{ slot: number }>('souk_advanceSlots', { slots }),
  }
}

export type Client = ReturnType<typeof clientOf>

interface SignOptions {
  readonly version?: 0 | 'legacy'
  readonly blockhash?: string
}

export const transfer = (from: Holder, to: Holder, amount: bigint): Instruction =>
  getTransferCheckedInstruction({
    source: from.ata,
    mint: MINT,
    destination: to.ata,
    authority: from.signer,
    amount,
    decimals: 6,
  })

/** A chain in memory whose slots move fast and on demand, and a client of it. */
export async function startWorld(
  options: Partial<SolanaChainOptions> = {},
): Promise<{ chain: SolanaChain; client: Client }> {
  const chain = await startSolanaChain({ dataDir: null, mint: MINT, slotMs: 20, faults: true, ...options })
  return { chain, client: clientOf(chain.rpcUrl) }
}
