import {
  createWallet,
  DEVNET_USDC_MINT,
  faucet,
  openTokenAccount,
  type SpawnedSolanaChain,
  sendToken,
  spawnSolanaChain,
  tokenAddress,
  tokenBalance,
  type Wallet,
} from '@souk/devchain/solana'

/** A local chain that keeps itself on disk: killed without a word, it comes back as it was. */
export interface DurableChain {
  readonly rpcUrl: string
  isUp(): boolean
  /** `kill -9`. */
  kill(): Promise<void>
  revive(): Promise<void>
  /** A wallet outside the market with an open token account and so much USDC. */
  wallet(micros: bigint): Promise<Wallet>
  /** Out of nowhere: nobody sent it. */
  give(address: string, amount: bigint): Promise<void>
  send(from: Wallet, to: string, amount: bigint): Promise<void>
  balance(owner: string): Promise<bigint>
  /** What arrived in the token account of an owner, by transaction, as the chain tells it. */
  arrivals(owner: string): Promise<Map<string, bigint>>
  /** Lets the next transactions sent to it get lost, or land without an answer. */
  fault(mode: 'drop' | 'accept-then-error' | 'error', count: number): Promise<void>
  close(): Promise<void>
}

const MINT = DEVNET_USDC_MINT
/** Finality comes after 0.64 s, a transaction can land for 6 s. */
const TIMING = { slotMs: 40, finalizedAfterSlots: 16, faults: true }

export async function openDurableChain(dataDir: string): Promise<DurableChain> {
  const spawn = () => spawnSolanaChain({ dataDir, mint: MINT, ...TIMING })
  let current: SpawnedSolanaChain | undefined = await spawn()
  const { rpcUrl } = current
  return {
    rpcUrl,
    isUp: () => current !== undefined,
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
    wallet: async (amount) => {
      const wallet = await createWallet()
      await faucet({ rpcUrl, address: wallet.address, amount })
      if (amount === 0n) await openTokenAccount({ rpcUrl, secretKey: wallet.secretKey, mint: MINT })
      return wallet
    },
    give: async (address, amount) => void (await faucet({ rpcUrl, address, amount })),
    send: async ({ secretKey }, to, amount) => void (await sendToken({ rpcUrl, secretKey, to, amount, mint: MINT })),
    balance: (owner) => tokenBalance({ rpcUrl, owner, mint: MINT }),
    arrivals: async (owner) => arrivals(rpcUrl, await tokenAddress(owner, MINT)),
    fault: async (mode, count) => void (await ask(rpcUrl, 'souk_dropNextTransactions', [{ mode, count }])),
    close: async () => {
      await current?.close()
      current = undefined
    },
  }
}

interface TokenBalance {
  readonly accountIndex: number
  readonly uiTokenAmount: { readonly amount: string }
}

interface Landed {
  readonly transaction: { readonly message: { readonly accountKeys: readonly ({ pubkey: string } | string)[] } }
  readonly meta: {
    readonly err: unknown
    readonly preTokenBalances: readonly TokenBalance[]
    readonly postTokenBalances: readonly TokenBalance[]
  }
}

async function arrivals(rpcUrl: string, account: string): Promise<Map<string, bigint>> {
  const commitment = { commitment: 'confirmed' }
  const listed = await ask<{ signature: string; err: unknown }[]>(rpcUrl, 'getSignaturesForAddress', [
    account,
    commitment,
  ])
  const found = new Map<string, bigint>()
  for (const { signature, err } of listed) {
    if (err !== null) continue
    const options = { encoding: 'jsonParsed', maxSupportedTransactionVersion: 0, ...commitment }
    const { transaction, meta } = await ask<Landed>(rpcUrl, 'getTransaction', [signature, options])
    const keys = transaction.message.accountKeys.map((key) => (typeof key === 'string' ? key : key.pubkey))
    const held = (balances: readonly TokenBalance[]) =>
      BigInt(balances.find(({ accountIndex }) => keys[accountIndex] === account)?.uiTokenAmount.amount ?? 0)
    const change = held(meta.postTokenBalances) - held(meta.preTokenBalances)
    if (change > 0n) found.set(signature, change)
  }
  return found
}

async function ask<T>(rpcUrl: string, method: string, params: readonly unknown[]): Promise<T> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer = (await response.json()) as { result?: T; error?: { message: string } }
  if (answer.error) throw new Error(answer.error.message)
  return answer.result as T
}
