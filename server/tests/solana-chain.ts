import { randomBytes } from 'node:crypto'
import {
  createWallet,
  DEVNET_USDC_MINT,
  faucet,
  openTokenAccount,
  sendToken,
  spawnSolanaChain,
  tokenBalance,
  type Wallet,
} from '@souk/devchain/solana'

/** What a local chain can be told to do to the next transactions sent to it. */
export type ChainFault = 'drop' | 'accept-then-error' | 'error'

/** A local Solana chain in a process of its own, in memory, with fast slots and faults on demand. */
export interface TestChain {
  readonly rpcUrl: string
  readonly mint: string
  /** A wallet outside the market with USDC, gas and an open token account. */
  wallet(micros: bigint): Promise<Wallet>
  /** A wallet that never held USDC. */
  emptyWallet(): Promise<Wallet>
  send(from: Wallet, to: string, amount: bigint): Promise<string>
  balance(owner: string): Promise<bigint>
  gas(address: string): Promise<void>
  give(address: string, amount: bigint): Promise<string>
  /** Jumps ahead; everything landed before becomes final. */
  advance(slots: number): Promise<void>
  finalize(): Promise<void>
  fault(mode: ChainFault, count?: number): Promise<void>
  call<T>(method: string, ...params: unknown[]): Promise<T>
  close(): Promise<void>
}

const SLOT_MS = 40
const FINALIZED_AFTER = 16

export async function startTestChain(): Promise<TestChain> {
  const mint = DEVNET_USDC_MINT
  const options = { dataDir: null, mint, slotMs: SLOT_MS, finalizedAfterSlots: FINALIZED_AFTER, faults: true }
  const { rpcUrl, close, exited } = await spawnSolanaChain(options)
  let closing = false
  void exited.then(() => closing || process.stderr.write(`the test chain at ${rpcUrl} ended by itself\n`))
  const call = <T>(method: string, ...params: unknown[]) => callRpc<T>(rpcUrl, method, params)
  const advance = async (slots: number) => {
    await call('souk_advanceSlots', { slots })
  }
  return {
    rpcUrl,
    mint,
    close: () => {
      closing = true
      return close()
    },
    call,
    advance,
    wallet: async (micros) => {
      const wallet = await createWallet()
      await faucet({ rpcUrl, address: wallet.address, amount: micros })
      if (micros === 0n) await openTokenAccount({ rpcUrl, secretKey: wallet.secretKey, mint })
      return wallet
    },
    emptyWallet: createWallet,
    send: async ({ secretKey }, to, amount) => (await sendToken({ rpcUrl, secretKey, to, amount, mint })).txHash,
    balance: (owner) => tokenBalance({ rpcUrl, owner, mint }),
    gas: async (address) => {
      await faucet({ rpcUrl, address, amount: 0n })
    },
    give: async (address, amount) => (await faucet({ rpcUrl, address, amount })).txHash,
    finalize: () => advance(FINALIZED_AFTER + 1),
    fault: async (mode, count = 1) => {
      await call('souk_dropNextTransactions', { mode, count })
    },
  }
}

/** A master secret of one's own: worlds that share a chain must not share addresses. */
export function freshMasterSecret(): Uint8Array {
  return Uint8Array.from(randomBytes(32))
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
