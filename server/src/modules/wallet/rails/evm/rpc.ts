import { type Address, createPublicClient, http } from 'viem'
import { ChainUnreachable } from '#platform/chain-unreachable'
import { TOKEN_ABI } from './abi.ts'

export type EvmClient = ReturnType<typeof connect>

/** The newest block that nothing can take back. */
export interface FinalBlock {
  readonly number: bigint
  /** Unix seconds. */
  readonly timestamp: bigint
}

/** A node's JSON-RPC with one way to fail: whatever goes wrong, nothing is known. */
export interface EvmRpc {
  ask<T>(request: (client: EvmClient) => Promise<T>): Promise<T>
  finalBlock(): Promise<FinalBlock>
  /** Of USDC; in the newest block unless one is named. */
  balanceOf(owner: string, blockNumber?: bigint): Promise<bigint>
}

export interface EvmConnection {
  readonly rpcUrl: string
  readonly token: string
  readonly finality: 'finalized' | number
  readonly timeoutMs: number
}

const BATCH = 100

export function connectEvm({ rpcUrl, token, finality, timeoutMs }: EvmConnection): EvmRpc {
  const client = connect(rpcUrl, timeoutMs)
  const ask: EvmRpc['ask'] = async (request) => {
    try {
      return await request(client)
    } catch (error) {
      throw new ChainUnreachable('base', error)
    }
  }
  const finalBlock = async (node: EvmClient): Promise<FinalBlock> => {
    if (finality === 'finalized') return node.getBlock({ blockTag: 'finalized' })
    const newest = await node.getBlockNumber({ cacheTime: 0 })
    const depth = BigInt(finality)
    return node.getBlock({ blockNumber: newest > depth ? newest - depth : 0n })
  }
  return {
    ask,
    finalBlock: () => ask(finalBlock),
    balanceOf: (owner, blockNumber) =>
      ask((node) =>
        node.readContract({
          address: token as Address,
          abi: TOKEN_ABI,
          functionName: 'balanceOf',
          args: [owner as Address],
          ...(blockNumber === undefined ? {} : { blockNumber }),
        }),
      ),
  }
}

/** What is asked at the same moment goes out in one request. */
function connect(rpcUrl: string, timeoutMs: number) {
  const transport = http(rpcUrl, { batch: { batchSize: BATCH, wait: 0 }, timeout: timeoutMs, retryCount: 0 })
  return createPublicClient({ transport })
}
