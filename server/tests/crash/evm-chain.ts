import { type SpawnedEvmChain, spawnEvmChain } from '@souk/devchain/evm'

/** A local EVM chain that keeps itself on disk: killed without a word, it comes back where it was, as it was. */
export interface DurableEvmChain {
  readonly rpcUrl: string
  /** `kill -9`. */
  kill(): Promise<void>
  revive(): Promise<void>
  /** The next transactions sent to it get lost, or land without an answer. */
  fault(mode: 'drop' | 'accept-then-error' | 'error', count: number): Promise<void>
  close(): Promise<void>
}

export async function openDurableEvmChain(dataDir: string): Promise<DurableEvmChain> {
  const spawn = () => spawnEvmChain({ dataDir, faults: true })
  let current: SpawnedEvmChain | undefined = await spawn()
  const { rpcUrl } = current
  return {
    rpcUrl,
    kill: async () => {
      const dying = current
      current = undefined
      if (!dying) return
      process.kill(dying.pid, 'SIGKILL')
      await dying.exited
    },
    revive: async () => {
      current ??= await spawn()
      if (current.rpcUrl !== rpcUrl) throw new Error(`the chain came back elsewhere: ${current.rpcUrl}`)
    },
    fault: async (mode, count) => {
      const body = { jsonrpc: '2.0', id: 1, method: 'souk_dropNextTransactions', params: [{ mode, count }] }
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(rpcUrl, { method: 'POST', headers, body: JSON.stringify(body) })
      if (!answer.ok) throw new Error(`no fault was made: ${answer.status}`)
    },
    close: async () => {
      await current?.close()
      current = undefined
    },
  }
}
