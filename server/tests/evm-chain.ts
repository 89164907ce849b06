import {
  BASE_SEPOLIA_USDC,
  createWallet,
  faucet,
  sendToken,
  spawnEvmChain,
  tokenBalance,
  type Wallet,
} from '@souk/devchain/evm'
import type { ChainFault } from './solana-chain.ts'

/** A local EVM chain in a process of its own, in memory, with finality and faults on demand. */
export interface EvmTestChain {
  readonly rpcUrl: string
  readonly token: string
  /** A wallet outside the market with USDC and gas. */
  wallet(micros: bigint): Promise<Wallet>
  send(from: Wallet, to: string, amount: bigint): Promise<string>
  balance(owner: string): Promise<bigint>
  gas(address: string): Promise<void>
  give(address: string, amount: bigint): Promise<string>
  /** Everything that is in a block becomes final. */
  finalize(): Promise<void>
  /** Takes back the newest blocks, and what was in them. */
  reorganize(depth: number): Promise<void>
  fault(mode: ChainFault, count?: number): Promise<void>
  call<T>(method: string, ...params: unknown[]): Promise<T>
  close(): Promise<void>
}

/** Long: a test makes its blocks final itself. */
const FINAL_AFTER_MS = 3_600_000
const FINALIZED_AFTER_BLOCKS = 8

export async function startEvmTestChain(): Promise<EvmTestChain> {
  const token = BASE_SEPOLIA_USDC
  const { rpcUrl, close, exited } = await spawnEvmChain({ dataDir: null, faults: true, finalAfterMs: FINAL_AFTER_MS })
  let closing = false
  void exited.then(() => closing || process.stderr.write(`the test chain at ${rpcUrl} ended by itself\n`))
  const call = <T>(method: string, ...params: unknown[]) => callRpc<T>(rpcUrl, method, params)
  return {
    rpcUrl,
    token,
    call,
    wallet: async (micros) => {
      const wallet = await createWallet()
      await faucet({ rpcUrl, address: wallet.address, amount: micros })
      return wallet
    },
    send: async ({ secretKey }, to, amount) => (await sendToken({ rpcUrl, secretKey, to, amount, token })).txHash,
    balance: (owner) => tokenBalance({ rpcUrl, owner, token }),
    gas: async (address) => {
      await faucet({ rpcUrl, address, amount: 0n })
    },
    give: async (address, amount) => (await faucet({ rpcUrl, address, amount })).txHash,
    finalize: async () => {
      await call('souk_mine', { blocks: FINALIZED_AFTER_BLOCKS })
    },
    reorganize: async (depth) => {
      await call('souk_reorg', { depth })
    },
    fault: async (mode, count = 1) => {
      await call('souk_dropNextTransactions', { mode, count })
    },
    close: () => {
      closing = true
      return close()
    },
  }
}

async function callRpc<T>(rpcUrl: string, method: string, params: readonly unknown[]): Promise<T> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer = (await response.json()) as { result?: T; error?: { message: string } }
  if (answer.error) throw new Error(answer.error.message)
  return answer.result as T
}
