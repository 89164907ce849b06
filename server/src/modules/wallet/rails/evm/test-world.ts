import { createRequire } from 'node:module'
import { walletAccount } from '@souk/devchain/evm'
import { type Abi, type Address, createPublicClient, createWalletClient, type Hex, http } from 'viem'
import { baseSepolia } from 'viem/chains'
import { createAgent } from '#identity'
import { newId } from '#kernel/id'
import { type AccountId, available, balances, pending } from '#ledger'
import type { Store } from '#platform/db'
import { openTestDatabase } from '#tests/database'
import { type EvmTestChain, startEvmTestChain } from '#tests/evm-chain'
import { freshMasterSecret } from '#tests/solana-chain'
import {
  assignDepositAddress,
  createEvmRail,
  createWallet,
  type Finding,
  listFindings,
  type Rail,
  registerHotWallet,
  reportDeposits,
  SANDBOX_WALLET_SETTINGS,
  setDefaultAddress,
  type Wallet,
  type WalletSettings,
  withdraw,
} from '../../index.ts'

export interface Agent {
  readonly id: string
  readonly address: string
}

export interface Outside {
  readonly address: string
  readonly secretKey: string
}

export interface EvmWorld {
  readonly store: Store
  readonly chain: EvmTestChain
  readonly rail: Rail
  readonly wallet: Wallet
  register(): Promise<Agent>
  confirm(agent: Agent): ReturnType<typeof reportDeposits>
  money(agent: Agent): Promise<{ available: bigint; pending: bigint }>
  balance(account: AccountId): Promise<bigint>
  setAddress(agent: Agent, address: string): ReturnType<typeof setDefaultAddress>
  withdraw(agent: Agent, amount: bigint): ReturnType<typeof withdraw>
  findings(): Promise<readonly Finding[]>
  /** Lets everything in the background run once, and makes what it sent final. */
  step(): Promise<void>
  /** A contract of our own, from its Solidity. */
  deploy(by: Outside, name: string): Promise<{ address: Address; abi: Abi }>
  /** Sends a call from a wallet and answers its hash. */
  send(by: Outside, call: { to: Address; data: Hex }): Promise<Hex>
  close(): Promise<void>
}

const SETTINGS: WalletSettings = {
  ...SANDBOX_WALLET_SETTINGS,
  finalityPatienceMs: 0,
  pollMs: 20,
  depositCheckMs: 20,
  idleDepositCheckMs: 50,
  deadAfterMs: 50,
  searchAfterMs: 60_000,
  resendMs: 20,
  retryMs: 20,
}
const silent = { warn: () => {}, error: () => {} }
const DOMAIN = { name: 'USDC', version: '2' }

/** A wallet over Base on a database and a chain of its own, made final by hand. */
export async function openEvmWorld(): Promise<EvmWorld> {
  const [{ store, close }, chain] = await Promise.all([openTestDatabase(), startEvmTestChain()])
  const { rpcUrl, token } = chain
  const rail = createEvmRail({
    ...{ rpcUrl, token, chainId: 84_532, domain: DOMAIN, finality: 'finalized' },
    masterSecret: freshMasterSecret(),
  })
  await chain.gas(rail.feePayer)
  await store.transact((tx) => registerHotWallet(tx, rail))
  const wallet = createWallet({ store, rail, settings: SETTINGS, log: silent })
  const { network } = rail
  const balance = async (account: AccountId) => (await balances(store.read, [account])).get(account) ?? 0n
  return {
    ...{ store, chain, rail, wallet, balance },
    register: () => store.transact((tx) => enrol(tx, rail)),
    confirm: async ({ id }) => {
      await wallet.scan(id)
      return store.transact((tx) => reportDeposits(tx, { partyId: id, network }))
    },
    money: async ({ id }) => ({
      available: await balance(available('USDC', id)),
      pending: await balance(pending('USDC', id)),
    }),
    setAddress: ({ id }, address) =>
      store.transact((tx) => setDefaultAddress(tx, { partyId: id, network, address, settings: SETTINGS })),
    withdraw: ({ id }, amount) =>
      store.transact((tx) => withdraw(tx, { partyId: id, network, amount, settings: SETTINGS })),
    findings: async () => (await listFindings(store.read, { openOnly: true, page: { page: 1, limit: 100 } })).items,
    step: async () => {
      for (const sweep of wallet.sweeps) await sweep.run()
      await chain.finalize()
    },
    ...contractsOn(rpcUrl),
    close: async () => {
      await Promise.all([close(), chain.close()])
    },
  }
}

async function enrol(tx: Parameters<typeof assignDepositAddress>[0], rail: Rail): Promise<Agent> {
  const { partyId } = await createAgent(tx, {
    name: `agent-${newId()}`,
    isUnique: false,
    description: '',
    capabilities: [],
    callbackUrl: null,
    email: null,
    passwordHash: null,
    emergencyAddress: null,
    isActivated: true,
    keyLook: 'jp',
    sealingKey: new Uint8Array(32),
  })
  return { id: partyId, address: await assignDepositAddress(tx, { partyId, rail }) }
}

/** What strangers may come along with. */
const SOURCE = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;
interface Token { function transferFrom(address from, address to, uint256 value) external; }
contract Splitter {
  function pay(Token token, address[] calldata to, uint256[] calldata values) external {
    for (uint256 i = 0; i < to.length; i++) token.transferFrom(msg.sender, to[i], values[i]);
  }
}
contract Spoof {
  string public constant name = "USDC";
  event Transfer(address indexed from, address indexed to, uint256 value);
  function give(address to, uint256 value) external { emit Transfer(msg.sender, to, value); }
  function balanceOf(address) external pure returns (uint256) { return 1e18; }
}`

function compiled(name: string): { abi: Abi; bytecode: Hex } {
  const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string }
  const outputSelection = { '*': { '*': ['abi', 'evm.bytecode.object'] } }
  const sources = { 'strangers.sol': { content: SOURCE } }
  const input = { language: 'Solidity', sources, settings: { outputSelection, evmVersion: 'cancun' } }
  const contract = JSON.parse(solc.compile(JSON.stringify(input))).contracts['strangers.sol'][name]
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}

function contractsOn(rpcUrl: string): Pick<EvmWorld, 'deploy' | 'send'> {
  const transport = http(rpcUrl)
  const node = createPublicClient({ chain: baseSepolia, transport, pollingInterval: 10 })
  const clientOf = ({ secretKey }: Outside) =>
    createWalletClient({ chain: baseSepolia, transport, account: walletAccount(secretKey) })
  return {
    deploy: async (by, name) => {
      const { abi, bytecode } = compiled(name)
      const hash = await clientOf(by).deployContract({ abi, bytecode })
      const { contractAddress } = await node.waitForTransactionReceipt({ hash })
      if (!contractAddress) throw new Error(`${name} was not deployed`)
      return { address: contractAddress, abi }
    },
    send: async (by, call) => {
      const hash = await clientOf(by).sendTransaction(call)
      const { status } = await node.waitForTransactionReceipt({ hash })
      if (status !== 'success') throw new Error(`${hash} failed`)
      return hash
    },
  }
}
