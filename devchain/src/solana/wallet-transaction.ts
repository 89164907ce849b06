import { setTimeout as delay } from 'node:timers/promises'
import {
  appendTransactionMessageInstructions,
  type Blockhash,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  type Instruction,
  type KeyPairSigner,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit'
import { callRpc, RpcRefusal } from '../rpc/rpc-client.ts'
import { ChainRefusedError, ChainUnreachableError, TransactionExpiredError } from './wallet-errors.ts'

const POLL_MS = 25
const LOST_AFTER_MS = 60_000

/** Calls the chain, turning its refusals and its silence into errors a person can read. */
export async function ask<T>(rpcUrl: string, method: string, params: readonly unknown[]): Promise<T> {
  try {
    return await callRpc<T>(rpcUrl, method, params)
  } catch (cause) {
    if (cause instanceof RpcRefusal) throw new ChainRefusedError(cause.message, { cause })
    throw new ChainUnreachableError(rpcUrl, { cause })
  }
}

/**
 * Signs once and rebroadcasts the same bytes until they are confirmed or expired, so that an answer lost on the way
 * never pays twice.
 */
export async function sendAndConfirm(
  rpcUrl: string,
  signer: KeyPairSigner,
  instructions: readonly Instruction[],
): Promise<{ txHash: string }> {
  const { value } = await ask<Lifetime>(rpcUrl, 'getLatestBlockhash', [{ commitment: 'confirmed' }])
  const lifetime = {
    blockhash: value.blockhash as Blockhash,
    lastValidBlockHeight: BigInt(value.lastValidBlockHeight),
  }
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(signer, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
    (m) => appendTransactionMessageInstructions(instructions, m),
  )
  const signed = await signTransactionMessageWithSigners(message)
  const txHash = getSignatureFromTransaction(signed)
  const wire = getBase64EncodedWireTransaction(signed)
  await broadcast(rpcUrl, wire)
  await confirmed(rpcUrl, { txHash, wire, lastValidBlockHeight: value.lastValidBlockHeight })
  return { txHash }
}

interface Lifetime {
  readonly value: { readonly blockhash: string; readonly lastValidBlockHeight: number }
}

interface Sent {
  readonly txHash: string
  readonly wire: string
  readonly lastValidBlockHeight: number
}

interface Status {
  readonly err: unknown
  readonly confirmationStatus: string
}

async function confirmed(rpcUrl: string, sent: Sent): Promise<void> {
  const givenUpAt = Date.now() + LOST_AFTER_MS
  for (let round = 1; Date.now() < givenUpAt; round++) {
    // Height before status: a transaction absent at a height beyond its last valid one can never land.
    const height = await heard<number>(rpcUrl, 'getBlockHeight', [{ commitment: 'confirmed' }])
    const found = await heard<{ value: (Status | null)[] }>(rpcUrl, 'getSignatureStatuses', [[sent.txHash]])
    const status = found?.value[0] ?? null
    if (status !== null && status.err !== null) throw new ChainRefusedError(JSON.stringify(status.err))
    if (status !== null && status.confirmationStatus !== 'processed') return
    if (found !== null && status === null && height !== null && height > sent.lastValidBlockHeight) {
      throw new TransactionExpiredError(sent.txHash)
    }
    if (status === null && round % 20 === 0) await broadcast(rpcUrl, sent.wire)
    await delay(POLL_MS)
  }
  throw new ChainUnreachableError(rpcUrl)
}

/** A refusal by the chain is final; a broken answer is not, for the transaction may have landed. */
async function broadcast(rpcUrl: string, wire: string): Promise<void> {
  try {
    await callRpc(rpcUrl, 'sendTransaction', [wire, { encoding: 'base64', preflightCommitment: 'confirmed' }])
  } catch (cause) {
    if (!(cause instanceof RpcRefusal)) return
    const fault = (cause.data as { err?: unknown } | undefined)?.err
    if (fault === 'AlreadyProcessed' || fault === 'BlockhashNotFound') return
    throw new ChainRefusedError(cause.message, { cause })
  }
}

const heard = <T>(rpcUrl: string, method: string, params: readonly unknown[]): Promise<T | null> =>
  callRpc<T>(rpcUrl, method, params).catch(() => null)
