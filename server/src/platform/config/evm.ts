import type { Environment, Reading } from './env.ts'
import { evmAddress, urlOf, wholeNumber } from './parsers.ts'

export interface EvmConfig {
  /** Null: the sandbox's local chain. */
  readonly rpcUrl: string | null
  readonly chainId: number
  /** CAIP-2 id. */
  readonly network: string
  /** USDC's contract, with the checksum of EIP-55. */
  readonly token: string
  /** The token's EIP-712 domain, which signatures over it are made for. */
  readonly domain: { readonly name: string; readonly version: string }
  /** What counts as final: what the network itself calls so, or so many blocks on top. */
  readonly finality: 'finalized' | number
  /** In wei per unit of gas: the most that a transaction settling a payment offers, whatever the node says. */
  readonly maxFeePerGas: bigint
}

/** Some hundred times what is usual on Base. */
const DEFAULT_MAX_FEE_GWEI = 5
const WEI_PER_GWEI = 1_000_000_000n

interface Preset {
  readonly chainId: number
  readonly token: string
  readonly domain: { readonly name: string; readonly version: string }
}

const BASE: Preset = {
  chainId: 8453,
  token: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
  domain: { name: 'USD Coin', version: '2' },
}

const BASE_SEPOLIA: Preset = {
  chainId: 84_532,
  token: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  domain: { name: 'USDC', version: '2' },
}

const RPC = urlOf(['https', 'http'], 'https://base-rpc.example.com/')
const rpcOrOff: Reading<string> = { ...RPC, parse: (text) => (text === 'off' ? text : RPC.parse(text)) }

const FINALITY: Reading<'finalized' | number> = {
  parse: (text) => {
    if (text === 'finalized') return text
    if (/^[1-9]\d{0,3}$/.test(text)) return Number.parseInt(text, 10)
    throw new Error(`is "${text}" and must be finalized, or a number of blocks from 1 to 9999`)
  },
  example: 'finalized',
}

/**
 * Souk trades on Base. The sandbox never takes its identity, so that nothing signed in it is worth anything elsewhere; live
 * mode takes Base Sepolia's only when told to (`SOUK_ALLOW_TESTNET`). `EVM_RPC_URL=off` is a market without EVM.
 */
export function readEvm(
  env: Environment,
  { live, allowTestnet }: { live: boolean; allowTestnet: boolean },
): EvmConfig | null {
  const rpcUrl = env.read('EVM_RPC_URL', null, rpcOrOff)
  const preset = live ? BASE : BASE_SEPOLIA
  const chainId = env.read('EVM_CHAIN_ID', preset.chainId, wholeNumber(1, 999_999_999, preset.chainId))
  const known = [BASE, BASE_SEPOLIA].find((one) => one.chainId === chainId) ?? preset
  const token = env.read('EVM_TOKEN', known.token, evmAddress)
  const finality = env.read('EVM_FINALITY', 'finalized', FINALITY)
  const maxFeeGwei = env.read('EVM_MAX_FEE_GWEI', DEFAULT_MAX_FEE_GWEI, wholeNumber(1, 10_000, DEFAULT_MAX_FEE_GWEI))
  const may = live && allowTestnet ? [BASE, BASE_SEPOLIA] : [preset]
  const why = live ? 'which is refused in live mode unless SOUK_ALLOW_TESTNET=yes' : 'and this is a sandbox'
  if (!may.some((one) => one.chainId === chainId)) {
    env.fault('EVM_CHAIN_ID', `is not ${live ? 'Base' : 'Base Sepolia'}, ${why}`, String(preset.chainId))
  } else if (token !== known.token) env.fault('EVM_TOKEN', `is not USDC of chain ${chainId}`, known.token)
  return rpcUrl === 'off'
    ? null
    : { rpcUrl, network: `eip155:${chainId}`, ...known, finality, maxFeePerGas: BigInt(maxFeeGwei) * WEI_PER_GWEI }
}
