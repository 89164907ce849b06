import { type Address, bytesToHex, decodeFunctionData, getAddress, type Hash, isAddress, zeroAddress } from 'viem'
import type { Micros } from '#kernel/money'
import type { Outcome } from '#platform/gather'
import type { ChainStatus, DestinationProblem, Rail, SignedTransaction } from '../../rail.ts'
import { TOKEN_ABI } from './abi.ts'
import { referencesSince } from './references.ts'
import { connectEvm, type EvmRpc, type FinalBlock } from './rpc.ts'
import { createEvmSigner, type EvmSigner, GAS, type Terms } from './signer.ts'
import { createTransferReader } from './transfers.ts'

export interface EvmRailOptions {
  readonly rpcUrl: string
  readonly chainId: number
  /** USDC's contract. */
  readonly token: string
  /** Its EIP-712 domain. */
  readonly domain: { readonly name: string; readonly version: string }
  /** What counts as final: what the network calls so, or so many blocks on top. */
  readonly finality: 'finalized' | number
  /** Seed of every wallet of ours; 32 to 64 bytes. */
  readonly masterSecret: Uint8Array
  /** The most one payout may carry; the signer refuses more. */
  readonly maxPayment?: Micros
  /** So long a signed payout can land. */
  readonly validSeconds?: number
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_MAX_PAYMENT = 1_000_000_000_000n
const DEFAULT_VALID_SECONDS = 600
/** Nobody pays more than the block asks; room for it to rise keeps a transaction from being stuck. */
const FEE_ROOM = 10n
const TIP_WEI = 1_000_000n
/** Numbers given out and not seen on the network yet are remembered for so long. */
const NONCE_MEMORY_MS = 30_000

interface Parts {
  readonly rpc: EvmRpc
  readonly signer: EvmSigner
  readonly token: Address
  readonly validSeconds: number
}

/** USDC on Base, or another EVM network: real JSON-RPC of any node; only what is final is credited. */
export function createEvmRail(options: EvmRailOptions): Rail {
  const token = getAddress(options.token)
  const maxPayment = options.maxPayment ?? DEFAULT_MAX_PAYMENT
  const { validSeconds = DEFAULT_VALID_SECONDS, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const signer = createEvmSigner({ ...options, maxPayment })
  const rpc = connectEvm({ ...options, token, timeoutMs })
  const reserved = new Set<string>([signer.hotWallet.address, token])
  return {
    network: 'base',
    hotWallet: signer.hotWallet,
    feePayer: signer.feePayer,
    maxPayment,
    addressAt: signer.addressAt,
    isWalletAddress: (text) => isAddress(text) && text !== zeroAddress,
    canonical: (text) => (isAddress(text) ? getAddress(text) : text),
    problemsOf: (addresses) => problemsOf(rpc, { addresses, token, reserved }),
    ...reading({ rpc, signer, token, validSeconds }),
    ...sending({ rpc, signer, token, validSeconds }),
  }
}

/** What stands in the way of paying each address; a wallet that was never used is a wallet all the same. */
async function problemsOf(
  rpc: EvmRpc,
  { addresses, token, reserved }: { addresses: readonly string[]; token: Address; reserved: ReadonlySet<string> },
): Promise<Map<string, DestinationProblem | null>> {
  const problems = addresses.map(async (text) => {
    const problem = shapeProblem(text, reserved)
    if (problem !== null) return [text, problem] as const
    const query = { address: token, abi: TOKEN_ABI, functionName: 'isBlacklisted', args: [text as Address] } as const
    const isShutOut = await rpc.ask((node) => node.readContract(query))
    return [text, isShutOut ? 'token_account_frozen' : null] as const
  })
  return new Map(await Promise.all(problems))
}

function shapeProblem(text: string, reserved: ReadonlySet<string>): DestinationProblem | null {
  if (!isAddress(text) || text === zeroAddress) return 'malformed'
  return reserved.has(getAddress(text)) ? 'reserved' : null
}

type Reading = Pick<
  Rail,
  | 'holdings'
  | 'spendable'
  | 'feeBalance'
  | 'canPayFees'
  | 'signaturesAfter'
  | 'unfinalizedAfter'
  | 'movement'
  | 'referencesSince'
  | 'finalizedHeight'
>

function reading({ rpc, signer, token }: Parts): Reading {
  const reader = createTransferReader(rpc, token)
  const account = signer.hotWallet.tokenAccount
  const feeBalance = () => rpc.ask((node) => node.getBalance({ address: signer.feePayer as Address }))
  return {
    holdings: async (accounts) => {
      // All at one and the same block, or they would not add up.
      const { number } = await rpc.finalBlock()
      const balances = await Promise.all(accounts.map((owner) => rpc.balanceOf(owner, number)))
      return new Map(accounts.map((owner, i) => [owner, balances[i] ?? 0n]))
    },
    spendable: () => rpc.balanceOf(account),
    feeBalance,
    canPayFees: async (transactions) => {
      const { maxFeePerGas } = await feesNow(rpc)
      return (await feeBalance()) >= maxFeePerGas * GAS * BigInt(transactions)
    },
    signaturesAfter: reader.signaturesAfter,
    unfinalizedAfter: reader.unfinalizedAfter,
    movement: reader.movement,
    referencesSince: (since) => referencesSince(rpc, { reader, account, since }),
    finalizedHeight: async () => (await rpc.finalBlock()).timestamp,
  }
}

async function feesNow(rpc: EvmRpc): Promise<Pick<Terms, 'maxFeePerGas' | 'maxPriorityFeePerGas'>> {
  const { baseFeePerGas } = await rpc.ask((node) => node.getBlock())
  return { maxFeePerGas: (baseFeePerGas ?? 0n) * FEE_ROOM + TIP_WEI, maxPriorityFeePerGas: TIP_WEI }
}

type Sending = Pick<Rail, 'sign' | 'broadcast' | 'statusesOf'>

function sending({ rpc, signer, token, validSeconds }: Parts): Sending {
  const nextNonces = createNonces(rpc, signer.feePayer as Address)
  return {
    sign: async (intents) => {
      if (intents.length === 0) return []
      const [fees, first] = [await feesNow(rpc), await nextNonces(intents.length)]
      const validBefore = BigInt(Math.floor(Date.now() / 1000) + validSeconds)
      return Promise.all(
        intents.map((intent, i) =>
          signer.sign(intent, { ...fees, validBefore, nonce: first + i }).then(
            (done): Outcome<SignedTransaction> => ({ done }),
            (refused: unknown) => ({ refused }),
          ),
        ),
      )
    },
    broadcast: async (bytes) => {
      await rpc.ask((node) => node.sendRawTransaction({ serializedTransaction: bytesToHex(bytes) }))
    },
    statusesOf: async (signatures) => {
      if (signatures.length === 0) return new Map()
      const final = await rpc.finalBlock()
      const statuses = signatures.map(
        async (signature) => [signature, await statusOf({ rpc, signature, final, token })] as const,
      )
      return new Map(await Promise.all(statuses))
    },
  }
}

/** The next numbers of the fee payer: what the network knows of, or what was given out here a moment ago. */
function createNonces(rpc: EvmRpc, address: Address): (count: number) => Promise<number> {
  let next = 0
  let usedAt = 0
  return async (count) => {
    const known = await rpc.ask((node) => node.getTransactionCount({ address, blockTag: 'pending' }))
    const first = Date.now() - usedAt < NONCE_MEMORY_MS ? Math.max(known, next) : known
    next = first + count
    usedAt = Date.now()
    return first
  }
}

interface Asked {
  readonly rpc: EvmRpc
  readonly signature: string
  readonly final: FinalBlock
  readonly token: Address
}

async function statusOf({ rpc, signature, final, token }: Asked): Promise<ChainStatus> {
  const hash = signature as Hash
  const receipt = await rpc.ask((node) =>
    node.request({ method: 'eth_getTransactionReceipt', params: [hash] }, { dedupe: false }),
  )
  if (receipt === null) return { state: 'missing' }
  if (BigInt(receipt.blockNumber) > final.number) return { state: 'seen', succeeded: receipt.status === '0x1' }
  if (receipt.status === '0x1' || (await isAuthorizationUsed({ rpc, signature, final, token })))
    return { state: 'finalized', error: null }
  // It moved nothing: expired, or the wallet it leaves from held too little. Another try is right.
  return { state: 'finalized', error: 'reverted', short: true }
}

/** Anybody may carry in an authorization that has been seen: ours then fails, and the money has moved all the same. */
async function isAuthorizationUsed({ rpc, signature, final, token }: Asked): Promise<boolean> {
  const { input } = await rpc.ask((node) => node.getTransaction({ hash: signature as Hash }))
  const { functionName, args } = decodeFunctionData({ abi: TOKEN_ABI, data: input })
  if (functionName !== 'transferWithAuthorization') return false
  const [from, , , , , nonce] = args
  const query = { address: token, abi: TOKEN_ABI, functionName: 'authorizationState', args: [from, nonce] } as const
  return rpc.ask((node) => node.readContract({ ...query, blockNumber: final.number }))
}
