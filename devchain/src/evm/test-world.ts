import { randomBytes } from 'node:crypto'
import { type Address, createPublicClient, type Hex, http, type PublicClient } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import { callRpc } from '../rpc/rpc-client.ts'
import { type EvmChain, startEvmChain } from './chain.ts'
import { BASE_SEPOLIA_CHAIN_ID, BASE_SEPOLIA_USDC, type EvmChainOptions } from './settings.ts'
import { TOKEN_ABI } from './token/abi.ts'
import { readArtifact } from './token/artifact.ts'
import { createWallet, faucet } from './wallet.ts'

export const TOKEN: Address = BASE_SEPOLIA_USDC
export const TOKEN_FULL_ABI = readArtifact().abi

export interface Client {
  /** An ordinary client that knows nothing of us. */
  readonly node: PublicClient
  raw<T>(method: string, ...params: unknown[]): Promise<T>
  /** A wallet with tokens and gas. */
  holder(micros: bigint): Promise<PrivateKeyAccount>
  balance(owner: Address): Promise<bigint>
  /** A transaction from an account, signed and ready to be sent. */
  sign(from: PrivateKeyAccount, call: { to: Address; data: Hex; nonce?: number }): Promise<Hex>
}

export function clientOf(rpcUrl: string): Client {
  const node = createPublicClient({ chain: baseSepolia, transport: http(rpcUrl), pollingInterval: 20 })
  const raw = <T>(method: string, ...params: unknown[]) => callRpc<T>(rpcUrl, method, params)
  return {
    node: node as unknown as PublicClient,
    raw,
    holder: async (amount) => {
      const { address, secretKey } = await createWallet()
      await faucet({ rpcUrl, address, amount })
      return privateKeyToAccount(secretKey as Hex)
    },
    balance: (owner) => node.readContract({ address: TOKEN, abi: TOKEN_ABI, functionName: 'balanceOf', args: [owner] }),
    sign: async (from, { to, data, nonce }) =>
      from.signTransaction({
        ...{ to, data, chainId: BASE_SEPOLIA_CHAIN_ID, type: 'eip1559', gas: 200_000n },
        nonce: nonce ?? (await node.getTransactionCount({ address: from.address, blockTag: 'pending' })),
        ...{ maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 0n },
      }),
  }
}

export async function startWorld(options: Partial<EvmChainOptions> = {}): Promise<{ chain: EvmChain; client: Client }> {
  const chain = await startEvmChain({ dataDir: null, faults: true, finalAfterMs: 100, ...options })
  return { chain, client: clientOf(chain.rpcUrl) }
}

/** What EIP-3009 has people sign. */
export const AUTHORIZATION_TYPES = {
  TransferWithAuthorization: authorizationFields(),
  ReceiveWithAuthorization: authorizationFields(),
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

function authorizationFields() {
  return [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ] as const
}

export const DOMAIN = {
  name: 'USDC',
  version: '2',
  chainId: BASE_SEPOLIA_CHAIN_ID,
  verifyingContract: TOKEN,
} as const

export interface Authorization {
  readonly from: Address
  readonly to: Address
  readonly value: bigint
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly nonce: Hex
}

export function authorizationOf(from: Address, to: Address, value: bigint): Authorization {
  const now = BigInt(Math.floor(Date.now() / 1000))
  const nonce: Hex = `0x${randomBytes(32).toString('hex')}`
  return { from, to, value, validAfter: now - 5n, validBefore: now + 600n, nonce }
}
