import { createSolanaRpc as createKitRpc, type SolanaRpcApi } from '@solana/kit'
import { ChainUnreachable } from '#platform/chain-unreachable'

type KitRpc = ReturnType<typeof createKitRpc>

interface Asking<T> {
  send(options: { abortSignal: AbortSignal }): Promise<T>
}

/** A node's JSON-RPC with one way to fail: whatever goes wrong, nothing is known. */
export interface SolanaRpc {
  ask<T>(request: (rpc: KitRpc) => Asking<T>): Promise<T>
}

export type { SolanaRpcApi }

export function connectSolana({ rpcUrl, timeoutMs }: { rpcUrl: string; timeoutMs: number }): SolanaRpc {
  const rpc = createKitRpc(rpcUrl)
  return {
    ask: async (request) => {
      try {
        return await request(rpc).send({ abortSignal: AbortSignal.timeout(timeoutMs) })
      } catch (error) {
        throw new ChainUnreachable('solana', error)
      }
    },
  }
}
