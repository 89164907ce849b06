import { randomHex } from './bytes.ts'
import { TOKENS, type Token } from './tokens.ts'
import type { Requirement } from './x402.ts'

/** A payment somebody signed, and what names it on its chain. */
export interface Signed {
  /** `payload` of x402's PaymentPayload. */
  readonly payload: object
  readonly payer: string
  /** By which its chain takes it once. */
  readonly nonce: string
  /** Seconds since 1970; afterwards its chain does not take it any more. */
  readonly validBefore: number
}

/** What is known of a signed payment when it is asked for later. */
export interface Outstanding {
  readonly network: string
  readonly asset: string
  readonly payer: string
  readonly nonce: string
  readonly validBefore: number
}

/** Whatever can pay. `evmWallet` makes one of an account of viem; another scheme or another signer is another of these. */
export interface Wallet {
  /** Shown in purchase keys: two wallets never share a purchase. */
  readonly address: string
  pays(requirement: Requirement): boolean
  sign(requirement: Requirement): Promise<Signed>
  /**
   * What its chain says of a payment: `used`; `void`, it was not used and never can be; `open`, neither. Asked only before
   * a new payment takes the place of an expired one. Throws when the chain does not answer.
   */
  fateOf?(payment: Outstanding): Promise<'used' | 'void' | 'open'>
}

/** Structurally what `privateKeyToAccount` of viem gives; ethers and hardware wallets are a few lines away from it. */
export interface EvmAccount {
  readonly address: `0x${string}`
  signTypedData(typed: TypedData): Promise<`0x${string}`>
}

type TypedData = ReturnType<typeof typedDataOf>

export interface EvmWalletOptions {
  /** Where payments are made; USDC on Base and on Base Sepolia unless said. */
  readonly tokens?: readonly Token[]
  /** JSON-RPC by network, to ask what became of an expired payment; without one the server's word is taken. */
  readonly rpcUrls?: Readonly<Record<string, string>>
  readonly fetch?: typeof fetch
}

const TRANSFER = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const
const ADDRESS = /^0x[0-9a-fA-F]{40}$/
/** Clocks differ; an authorization that begins in the future is refused. */
const EARLIER_SECONDS = 600

/** Pays by the scheme `exact` with EIP-3009 authorizations: the token takes each nonce of a payer once. */
export function evmWallet(account: EvmAccount, options: EvmWalletOptions = {}): Wallet {
  const { tokens = TOKENS, rpcUrls = {} } = options
  const tokenOf = ({ network, asset }: Pick<Requirement, 'network' | 'asset'>) =>
    tokens.find((token) => token.network === network && token.address.toLowerCase() === asset.toLowerCase())
  const isOurs = ({ scheme, payTo, extra = {}, ...rest }: Requirement) => {
    const token = tokenOf(rest)
    const isDomain = token && extra['name'] === token.name && extra['version'] === token.version
    return scheme === 'exact' && ADDRESS.test(payTo) && isDomain === true
  }
  return {
    address: account.address.toLowerCase(),
    pays: isOurs,
    sign: async (requirement) => {
      const token = tokenOf(requirement)
      if (!token || !isOurs(requirement)) throw new TypeError('this wallet cannot pay what is asked for')
      const typed = typedDataOf(requirement, { token, from: account.address })
      const { message } = typed
      const { from, to, value, validAfter, validBefore, nonce } = message
      const texts = { value: String(value), validAfter: String(validAfter), validBefore: String(validBefore) }
      const payload = { signature: await account.signTypedData(typed), authorization: { from, to, ...texts, nonce } }
      return { payload, payer: from.toLowerCase(), nonce, validBefore: Number(validBefore) }
    },
    fateOf: async (payment) => {
      const rpcUrl = rpcUrls[payment.network]
      return rpcUrl === undefined ? 'open' : fateOn(createRpc(rpcUrl, options.fetch ?? fetch), payment)
    },
  }
}

interface Signing {
  readonly token: Token
  readonly from: `0x${string}`
}

function typedDataOf({ payTo, amount, maxTimeoutSeconds }: Requirement, { token, from }: Signing) {
  const { chainId, address, name, version } = token
  const now = BigInt(Math.floor(Date.now() / 1000))
  return {
    domain: { name, version, chainId, verifyingContract: address },
    types: { TransferWithAuthorization: TRANSFER },
    primaryType: 'TransferWithAuthorization' as const,
    message: {
      from,
      // Lower case, as a checksum somebody got wrong is no reason not to pay.
      to: payTo.toLowerCase() as `0x${string}`,
      value: BigInt(amount),
      validAfter: now - BigInt(EARLIER_SECONDS),
      validBefore: now + BigInt(Math.floor(maxTimeoutSeconds)),
      nonce: `0x${randomHex(32)}` as const,
    },
  }
}

type Rpc = (method: string, params: readonly unknown[]) => Promise<unknown>

/** `authorizationState(address,bytes32)` */
const STATE_SELECTOR = '0xe94a0102'

/** Used is used, however young; unused counts only at a block that is final and younger than the payment's end. */
async function fateOn(rpc: Rpc, { asset, payer, nonce, validBefore }: Outstanding): Promise<'used' | 'void' | 'open'> {
  const data = `${STATE_SELECTOR}${payer.slice(2).padStart(64, '0')}${nonce.slice(2)}`
  const isUsedAt = async (block: unknown) => BigInt(String(await rpc('eth_call', [{ to: asset, data }, block]))) === 1n
  if (await isUsedAt('latest')) return 'used'
  const final = (await rpc('eth_getBlockByNumber', ['finalized', false])) as {
    number: string
    timestamp: string
  } | null
  if (final === null || BigInt(final.timestamp) <= BigInt(validBefore)) return 'open'
  return (await isUsedAt(final.number)) ? 'used' : 'void'
}

function createRpc(url: string, ask: typeof fetch): Rpc {
  return async (method, params) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const answer = await ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { result, error } = (await answer.json()) as { result?: unknown; error?: { message: string } }
    if (error) throw new Error(`the chain refused ${method}: ${error.message}`)
    return result
  }
}
