import { RpcRefusal } from '../../rpc/rpc-client.ts'
import { RpcError } from '../../rpc/rpc-error.ts'
import type { RpcMethod } from '../../rpc/rpc-server.ts'
import type { Chain } from '../chain.ts'

const FORWARDED = new Set([
  'eth_blobBaseFee',
  'eth_blockNumber',
  'eth_chainId',
  'eth_createAccessList',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getBlockTransactionCountByHash',
  'eth_getBlockTransactionCountByNumber',
  'eth_getCode',
  'eth_getFilterChanges',
  'eth_getFilterLogs',
  'eth_getLogs',
  'eth_getProof',
  'eth_getStorageAt',
  'eth_getTransactionByBlockHashAndIndex',
  'eth_getTransactionByBlockNumberAndIndex',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas',
  'eth_newBlockFilter',
  'eth_newFilter',
  'eth_protocolVersion',
  'eth_syncing',
  'eth_uninstallFilter',
  'net_listening',
  'net_version',
  'web3_sha3',
])

/** They run code, which may ask what time it is. */
const TIMED = new Set(['eth_call', 'eth_estimateGas'])

export function readMethod({ anvil, blocks }: Chain, name: string): RpcMethod | undefined {
  if (FORWARDED.has(name)) return (params) => refusing(anvil.call(name, ...params))
  if (TIMED.has(name)) return (params) => refusing(anvil.call(name, ...inThePresent(params, blocks.headAt)))
  return undefined
}

/** A node's newest block is seconds old; ours as old as its last transaction. So code run on top of it is told the time. */
function inThePresent(params: readonly unknown[], headAt: number): readonly unknown[] {
  const [call, block = 'latest', state, overrides] = params
  const now = Math.floor(Date.now() / 1000)
  if ((block !== 'latest' && block !== 'pending') || now <= headAt) return params
  return [call, block, state ?? {}, { time: `0x${now.toString(16)}`, ...(overrides as object | undefined) }]
}

/** anvil's refusals are answered as they are, with what a contract said in them. */
export async function refusing<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof RpcRefusal) throw new RpcError(cause.code, cause.message, cause.data)
    throw cause
  }
}
