import { setTimeout as delay } from 'node:timers/promises'
import { keccak256 } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { callRpc, RpcRefusal } from '../rpc/rpc-client.ts'
import { ChainRefusedError, ChainUnreachableError, InsufficientGasError } from './wallet-errors.ts'

const POLL_MS = 25
const REBROADCAST_ROUNDS = 20
const LOST_AFTER_MS = 60_000
const NONCE_TRIES = 50

interface Call {
  readonly to: `0x${string}`
  readonly data: `0x${string}`
  readonly gas: bigint
}

/** Calls the chain, turning its refusals and its silence into errors a person can read. */
export async function ask<T>(rpcUrl: string, method: string, ...params: readonly unknown[]): Promise<T> {
  try {
    return await callRpc<T>(rpcUrl, method, params)
  } catch (cause) {
    if (cause instanceof RpcRefusal) throw new ChainRefusedError(cause.message, { cause })
    throw new ChainUnreachableError(rpcUrl, { cause })
  }
}

/**
 * Signs once and rebroadcasts the same bytes until they are in a block, so that an answer lost on the way never pays
 * twice. Signed anew only when the nonce was somebody else's before these bytes were ever taken.
 */
export async function sendAndConfirm(
  rpcUrl: string,
  signer: PrivateKeyAccount,
  call: Call,
): Promise<{ txHash: string }> {
  const chainId = Number(await ask<string>(rpcUrl, 'eth_chainId'))
  for (let tries = 1; ; tries++) {
    const fee = { ...(await feeFor(rpcUrl, signer.address, call.gas)), type: 'eip1559', chainId } as const
    const nonce = Number(await ask<string>(rpcUrl, 'eth_getTransactionCount', signer.address, 'pending'))
    const raw = await signer.signTransaction({ ...call, ...fee, nonce })
    const sent = await broadcast(rpcUrl, raw)
    if (sent === 'nonce-taken' && tries < NONCE_TRIES) continue
    await confirmed(rpcUrl, raw)
    return { txHash: keccak256(raw) }
  }
}

async function feeFor(rpcUrl: string, address: string, gas: bigint) {
  const { baseFeePerGas } = await ask<{ baseFeePerGas: string }>(rpcUrl, 'eth_getBlockByNumber', 'latest', false)
  const maxFeePerGas = BigInt(baseFeePerGas) * 2n
  const held = BigInt(await ask<string>(rpcUrl, 'eth_getBalance', address, 'latest'))
  if (held < maxFeePerGas * gas) throw new InsufficientGasError(address, held, maxFeePerGas * gas)
  return { maxFeePerGas, maxPriorityFeePerGas: 0n }
}

/** A refusal by the chain is final; a broken answer is not, for the transaction may have landed. */
async function broadcast(rpcUrl: string, raw: string): Promise<'sent' | 'nonce-taken'> {
  try {
    await callRpc(rpcUrl, 'eth_sendRawTransaction', [raw])
    return 'sent'
  } catch (cause) {
    if (!(cause instanceof RpcRefusal)) return 'sent'
    if (/already (known|imported)/i.test(cause.message)) return 'sent'
    if (/nonce too low|underpriced/i.test(cause.message)) return 'nonce-taken'
    throw new ChainRefusedError(cause.message, { cause })
  }
}

async function confirmed(rpcUrl: string, raw: `0x${string}`): Promise<void> {
  const txHash = keccak256(raw)
  const givenUpAt = Date.now() + LOST_AFTER_MS
  for (let round = 1; Date.now() < givenUpAt; round++) {
    const receipt = await callRpc<{ status: string } | null>(rpcUrl, 'eth_getTransactionReceipt', [txHash]).catch(
      () => null,
    )
    if (receipt?.status === '0x1') return
    if (receipt !== null) throw new ChainRefusedError('it failed while running, and moved nothing')
    if (round % REBROADCAST_ROUNDS === 0) await broadcast(rpcUrl, raw)
    await delay(POLL_MS)
  }
  throw new ChainUnreachableError(rpcUrl)
}
