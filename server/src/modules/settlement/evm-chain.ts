import secp256k1 from 'secp256k1'
import {
  type Address,
  BaseError,
  BlockNotFoundError,
  type ContractFunctionArgs,
  createPublicClient,
  defineChain,
  encodeFunctionData,
  type Hex,
  hexToBytes,
  http,
  keccak256,
  type PublicClient,
  parseAbi,
  serializeTransaction,
  size,
  slice,
  TransactionReceiptNotFoundError,
  type TransactionSerializableEIP1559,
  toHex,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { ChainUnreachable } from '#platform/chain-unreachable'
import { digestOf, type SignedAuthorization, type Token } from './authorization.ts'
import type { Landing, SettlementChain, Transfer } from './chain.ts'

const TOKEN_ABI = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function balanceOf(address owner) view returns (uint256)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
])
const WALLET_ABI = parseAbi(['function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)'])
/** Who fell further behind than this looks at what he waits for by itself. */
const MOST_BLOCKS = 20n
const VALID = '0x1626ba7e'
const KEY_SIGNATURE_BYTES = 65
const WORD_BYTES = 32
/** What a transfer by authorization takes at most, contract wallets' own checking included. */
const GAS_LIMIT = 300_000n
/** The base fee may rise by an eighth a block: this lasts for ten of them. */
const FEE_HEADROOM = 4n
/** 5 gwei: on Base some hundred times what is usual. */
const DEFAULT_MAX_FEE_PER_GAS = 5_000_000_000n
/** A chain on which nothing happens makes no blocks; its next one will be of its day, give or take so much. */
const CLOCK_TOLERANCE_SECONDS = 30n
/** An authorization lives for minutes; how far back its use is looked for where a node bounds the question. */
const LOOK_BACK_BLOCKS = 5_000n

export interface EvmChainOptions {
  readonly rpcUrl: string
  readonly token: Token
  readonly relayerKey: Hex
  /** What the network itself calls final, or so many blocks on top. */
  readonly finality?: 'finalized' | number
  /** In wei per unit of gas: whatever a node says, no transaction offers more. */
  readonly maxFeePerGas?: bigint
  readonly timeoutMs?: number
}

/** An EVM chain over JSON-RPC. Every failure to ask is `ChainUnreachable`: then nothing is known. */
export function createEvmChain(options: EvmChainOptions): SettlementChain {
  const { token, relayerKey, finality = 'finalized', maxFeePerGas: ceiling = DEFAULT_MAX_FEE_PER_GAS } = options
  const network = `eip155:${token.chainId}`
  const account = privateKeyToAccount(relayerKey)
  const key = hexToBytes(relayerKey)
  const ask = connect(options)
  const marketFees = () => ask((to) => to.estimateFeesPerGas())
  return {
    network,
    token,
    relayer: account.address.toLowerCase() as Hex,
    objectionTo: (authorization) => objectionTo({ ask, token, relayer: account.address }, authorization),
    balanceOf: (owner) => ask((to) => balanceOf(to, { token, owner })),
    isSignedByContract: (authorization) => isSignedByContract({ ask, token }, authorization),
    fees: async () => {
      const market = await marketFees()
      const maxFeePerGas = lesser(market.maxFeePerGas * FEE_HEADROOM, ceiling)
      return { maxFeePerGas, maxPriorityFeePerGas: lesser(market.maxPriorityFeePerGas, maxFeePerGas) }
    },
    marketFees,
    landedByRelayer: async () =>
      BigInt(await ask((to) => to.getTransactionCount({ address: account.address, blockTag: 'latest' }))),
    sign: async (authorization, { nonce, fees }) => {
      const bytes = signWith(key, {
        ...{ chainId: token.chainId, type: 'eip1559', to: token.address, gas: GAS_LIMIT, nonce: Number(nonce) },
        ...fees,
        data: callOf(authorization),
      })
      return { bytes, hash: keccak256(bytes) }
    },
    time: async () => {
      const { timestamp } = await ask((to) => to.getBlock())
      const wall = BigInt(Math.floor(Date.now() / 1000)) - CLOCK_TOLERANCE_SECONDS
      return timestamp > wall ? timestamp : wall
    },
    broadcast: async (bytes) => {
      await ask((to) => to.sendRawTransaction({ serializedTransaction: bytes }))
    },
    landingOf: (hash) =>
      ask(async (to): Promise<Landing> => {
        try {
          const { status, blockNumber: block, blockHash } = await to.getTransactionReceipt({ hash })
          return { state: 'landed', succeeded: status === 'success', place: { block, blockHash } }
        } catch (error) {
          if (error instanceof TransactionReceiptNotFoundError) return { state: 'missing' }
          throw error
        }
      }),
    blocksAfter: (last) => ask((to) => blocksAfter(to, last)),
    transferOf: (authorization) => ask((to) => transferOf(to, { token, authorization })),
    finalBlock: async () => {
      if (finality === 'finalized') return (await ask((to) => to.getBlock({ blockTag: 'finalized' }))).number
      const newest = await ask((to) => to.getBlockNumber({ cacheTime: 0 }))
      return newest > BigInt(finality) ? newest - BigInt(finality) : 0n
    },
    blockHashAt: (block) =>
      ask((to) =>
        to.getBlock({ blockNumber: block }).then(
          ({ hash }) => hash,
          (error) => {
            if (error instanceof BlockNotFoundError) return null
            throw error
          },
        ),
      ),
  }
}

async function blocksAfter(to: PublicClient, last: bigint | null) {
  const head = await to.getBlockNumber({ cacheTime: 0 })
  const oldest = head - MOST_BLOCKS + 1n
  const first = last === null ? head : last + 1n
  const numbers: bigint[] = []
  for (let block = first > oldest ? first : oldest; block <= head; block++) numbers.push(block)
  const blocks = await Promise.all(numbers.map((blockNumber) => to.getBlock({ blockNumber })))
  return { head, hashes: blocks.flatMap(({ transactions }) => transactions) }
}

/** In native code, as signatures are checked: viem's own takes milliseconds. */
function signWith(key: Uint8Array, transaction: TransactionSerializableEIP1559): Hex {
  const { signature, recid } = secp256k1.ecdsaSign(hexToBytes(keccak256(serializeTransaction(transaction))), key)
  const [r, s] = [toHex(signature.subarray(0, 32)), toHex(signature.subarray(32))]
  return serializeTransaction(transaction, { r, s, yParity: recid })
}

/** What is asked of a node at the same moment travels together; nodes take so many questions at a time, and many take no more. */
const BATCH_SIZE = 50

function connect({ rpcUrl, token: { chainId }, timeoutMs = 10_000 }: EvmChainOptions): Ask {
  const network = `eip155:${chainId}`
  const chain = defineChain({
    id: chainId,
    name: network,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  const client = createPublicClient({
    chain,
    transport: http(rpcUrl, { timeout: timeoutMs, retryCount: 0, batch: { batchSize: BATCH_SIZE } }),
  })
  return async (question) => {
    try {
      return await question(client as PublicClient)
    } catch (error) {
      throw new ChainUnreachable(network, error)
    }
  }
}

function lesser(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

type Ask = <T>(question: (client: PublicClient) => Promise<T>) => Promise<T>

/** Tried as a call first, which costs nothing; only where that fails is it asked why. */
async function objectionTo(
  { ask, token, relayer }: { ask: Ask; token: Token; relayer: Address },
  authorization: SignedAuthorization,
): Promise<string | null> {
  const { from, nonce, value } = authorization
  // With the gas that the transaction will have: what needs more would fail on the chain, for all to see.
  const call = { to: token.address, data: callOf(authorization), account: relayer, gas: GAS_LIMIT }
  const isTaken = await ask((to) =>
    to.call(call).then(
      () => true,
      (error) => {
        if (isExecutionFailure(error)) return false
        throw error
      },
    ),
  )
  if (isTaken) return null
  const contract = { address: token.address, abi: TOKEN_ABI }
  const [isUsed, balance] = await ask((to) =>
    Promise.all([
      to.readContract({ ...contract, functionName: 'authorizationState', args: [from, nonce] }),
      balanceOf(to, { token, owner: from }),
    ]),
  )
  if (isUsed) return 'invalid_exact_evm_nonce_already_used'
  return balance < value ? 'insufficient_funds' : 'invalid_exact_evm_transaction_simulation_failed'
}

function balanceOf(client: PublicClient, { token, owner }: { token: Token; owner: Hex }): Promise<bigint> {
  return client.readContract({ address: token.address, abi: TOKEN_ABI, functionName: 'balanceOf', args: [owner] })
}

/** Whatever code at the payer's address answers but the word of ERC-1271, or does, is its no; only a node can be silent. */
async function isSignedByContract(
  { ask, token }: { ask: Ask; token: Token },
  { signature, ...authorization }: SignedAuthorization,
): Promise<boolean> {
  const to = authorization.from
  const args = [digestOf(authorization, token), signature] as const
  const data = encodeFunctionData({ abi: WALLET_ABI, functionName: 'isValidSignature', args })
  return ask(async (node) => {
    if ((await node.getCode({ address: to })) === undefined) return false
    try {
      const answer = await node.call({ to, data })
      return answer.data?.toLowerCase().startsWith(VALID) === true && size(answer.data) >= WORD_BYTES
    } catch (error) {
      if (isExecutionFailure(error)) return false
      throw error
    }
  })
}

/** Looks for the use of the authorization, and for the transfer in the same transaction. */
async function transferOf(
  client: PublicClient,
  { token, authorization }: { token: Token; authorization: SignedAuthorization },
): Promise<Transfer | null> {
  const { from, to, value, nonce } = authorization
  const contract = { address: token.address, abi: TOKEN_ABI }
  const head = await client.getBlockNumber()
  const fromBlock = head > LOOK_BACK_BLOCKS ? head - LOOK_BACK_BLOCKS : 0n
  const [used] = await client.getContractEvents({
    ...contract,
    ...{ eventName: 'AuthorizationUsed', args: { authorizer: from, nonce }, fromBlock },
  })
  if (!used) {
    // Used, and the node does not find where: it lags, or it is too long ago. That is no answer.
    const isUsed = await client.readContract({ ...contract, functionName: 'authorizationState', args: [from, nonce] })
    if (isUsed) throw new Error('the authorization was used, and the node does not find where')
    return null
  }
  const { blockHash, blockNumber: block, transactionHash: txHash, logIndex } = used
  const transfers = await client.getLogs({
    ...{ address: token.address, blockHash, event: TOKEN_ABI[5], args: { from, to } },
  })
  // The token tells of the use and of the transfer one right after the other: any other transfer pays for something else.
  const paid = transfers.some((log) => {
    return log.transactionHash === txHash && log.logIndex === logIndex + 1 && log.args.value === value
  })
  return paid ? { txHash, block, blockHash } : null
}

/** Keys' signatures go as v, r, s, which the oldest of these tokens take too; contracts' as they are. */
function callOf({ from, to, value, validAfter, validBefore, nonce, signature }: SignedAuthorization): Hex {
  const common = [from, to, value, validAfter, validBefore, nonce] as const
  const args: ContractFunctionArgs<typeof TOKEN_ABI, 'nonpayable', 'transferWithAuthorization'> =
    size(signature) === KEY_SIGNATURE_BYTES
      ? [...common, recoveryOf(signature), slice(signature, 0, 32), slice(signature, 32, 64)]
      : [...common, signature]
  return encodeFunctionData({ abi: TOKEN_ABI, functionName: 'transferWithAuthorization', args })
}

/** 27 or 28; some wallets write 0 or 1. */
function recoveryOf(signature: Hex): number {
  const last = Number(slice(signature, 64, 65))
  return last < 27 ? last + 27 : last
}

/** What nodes say of a call that was run and came to nothing; everything else means that it may not have been run. */
const EXECUTION_FAILURES =
  /revert|invalid opcode|invalidfeopcode|opcodenotfound|out ?of ?gas|gas required exceeds|stack ?(under|over)flow|invalid ?jump|evm error/i

/** The chain answered, and said no. */
function isExecutionFailure(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false
  return error.walk((cause) => EXECUTION_FAILURES.test((cause as Error).message ?? '')) !== null
}
