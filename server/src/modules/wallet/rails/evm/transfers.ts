import { type Address, getAbiItem, type Hash, isAddressEqual, parseEventLogs, zeroAddress } from 'viem'
import { ChainUnreachable } from '#platform/chain-unreachable'
import type { Movement } from '../../rail.ts'
import { TOKEN_ABI } from './abi.ts'
import type { EvmRpc } from './rpc.ts'

const TRANSFER = getAbiItem({ abi: TOKEN_ABI, name: 'Transfer' })
/** Most nodes answer for so many blocks at once. */
const RANGE = 5000n
/** What a lagging node may have left out of an answer is read again for so long. */
const MARGIN = 300n
const REMEMBERED = 50_000
/** After which an address is read once more from where its deposits end. */
const REMEMBERED_FOR_MS = 600_000
/** A block's own time may lag behind ours by this much. */
const BLOCK_TIME_SLACK_SECONDS = 600n

export interface Transfer {
  readonly hash: Hash
  readonly blockNumber: bigint
  readonly transactionIndex: number
  readonly logIndex: number
}

interface Blocks {
  readonly from: bigint
  readonly to: bigint
}

interface TransferReader {
  /** Into the account and out of it, oldest first. */
  transfersOf(account: string, blocks: Blocks): Promise<readonly Transfer[]>
  /** Hashes of the final transactions after `last`, or since an instant, oldest first. */
  signaturesAfter(account: string, last: string | null, since: Date): Promise<readonly string[]>
  unfinalizedAfter(account: string): Promise<readonly string[]>
  movement(signature: string, account: string): Promise<Movement>
}

/** Reads what the token's own logs say; a token that calls itself USDC at another address is never asked for. */
export function createTransferReader(rpc: EvmRpc, token: Address): TransferReader {
  const quiet = createQuiet()
  const transfersOf: TransferReader['transfersOf'] = async (account, { from, to }) => {
    const found: Transfer[] = []
    for (let start = from; start <= to; start += RANGE) {
      const end = start + RANGE - 1n < to ? start + RANGE - 1n : to
      found.push(...(await inRange(rpc, { token, account: account as Address, from: start, to: end })))
    }
    return found
  }
  return {
    transfersOf,
    signaturesAfter: async (account, last, since) => {
      const { number: to } = await rpc.finalBlock()
      const cursor = last === null ? null : await placeOf(rpc, last as Hash)
      const from =
        quiet.readUpto(account, last) ?? cursor?.blockNumber ?? (await blockAt(rpc, { at: since, newest: to }))
      const transfers = await transfersOf(account, { from, to })
      const fresh = distinct(transfers.filter((one) => cursor === null || isAfter(one, cursor)))
      quiet.set(account, fresh.length === 0 ? { last, upto: to } : null)
      return fresh
    },
    unfinalizedAfter: async (account) => {
      const { number } = await rpc.finalBlock()
      const newest = await rpc.ask((node) => node.getBlockNumber({ cacheTime: 0 }))
      return newest > number ? distinct(await transfersOf(account, { from: number + 1n, to: newest })) : []
    },
    movement: (signature, account) => movementOf(rpc, { hash: signature as Hash, account: account as Address, token }),
  }
}

/** Up to where nothing new was found on an address, so that one that is asked for often is not read again and again. */
function createQuiet() {
  const known = new Map<string, { last: string | null; upto: bigint; at: number }>()
  return {
    readUpto: (account: string, last: string | null): bigint | null => {
      const found = known.get(account)
      if (found?.last !== last || Date.now() - found.at > REMEMBERED_FOR_MS) return null
      return found.upto > MARGIN ? found.upto - MARGIN : 0n
    },
    set: (account: string, found: { last: string | null; upto: bigint } | null): void => {
      if (known.size > REMEMBERED) known.clear()
      const at = known.get(account)?.at ?? Date.now()
      if (found === null || Date.now() - at > REMEMBERED_FOR_MS) known.delete(account)
      else known.set(account, { ...found, at })
    },
  }
}

async function inRange(
  rpc: EvmRpc,
  { token, account, from, to }: { token: Address; account: Address; from: bigint; to: bigint },
): Promise<Transfer[]> {
  const query = { address: token, event: TRANSFER, fromBlock: from, toBlock: to } as const
  const [arrived, left] = await rpc.ask((node) =>
    Promise.all([
      node.getLogs({ ...query, args: { to: account } }),
      node.getLogs({ ...query, args: { from: account } }),
    ]),
  )
  return [...arrived, ...left]
    .filter(({ removed }) => !removed)
    .map(({ transactionHash: hash, blockNumber, transactionIndex, logIndex }) => {
      return { hash, blockNumber, transactionIndex, logIndex }
    })
    .sort((a, b) => Number(a.blockNumber - b.blockNumber) || a.logIndex - b.logIndex)
}

type Place = Pick<Transfer, 'blockNumber' | 'transactionIndex'>

async function placeOf(rpc: EvmRpc, hash: Hash): Promise<Place> {
  return rpc.ask((node) => node.getTransactionReceipt({ hash }))
}

function isAfter(one: Place, other: Place): boolean {
  if (one.blockNumber !== other.blockNumber) return one.blockNumber > other.blockNumber
  return one.transactionIndex > other.transactionIndex
}

function distinct(transfers: readonly Transfer[]): readonly string[] {
  return [...new Set(transfers.map(({ hash }) => hash))]
}

/** The first block of an instant or later. */
async function blockAt(rpc: EvmRpc, { at, newest }: { at: Date; newest: bigint }): Promise<bigint> {
  const wanted = BigInt(Math.floor(at.getTime() / 1000)) - BLOCK_TIME_SLACK_SECONDS
  let [low, high] = [0n, newest]
  while (low < high) {
    const middle = (low + high) / 2n
    const { timestamp } = await rpc.ask((node) => node.getBlock({ blockNumber: middle }))
    if (timestamp < wanted) low = middle + 1n
    else high = middle
  }
  return low
}

interface Looked {
  readonly hash: Hash
  readonly account: Address
  readonly token: Address
}

/** The net change of the account in one transaction, whatever else happened in it (D-17). */
async function movementOf(rpc: EvmRpc, { hash, account, token }: Looked): Promise<Movement> {
  const receipt = await rpc.ask((node) => node.getTransactionReceipt({ hash }))
  const [block, final] = await Promise.all([
    rpc.ask((node) => node.getBlock({ blockHash: receipt.blockHash })),
    rpc.finalBlock(),
  ])
  // It was listed as final: a node that says otherwise now lags behind, and guessing would lose money.
  if (receipt.blockNumber > final.number) throw new ChainUnreachable('base', `transaction ${hash} is not final`)
  const ofToken = receipt.logs.filter(({ address }) => isAddressEqual(address, token))
  const transfers = parseEventLogs({ abi: TOKEN_ABI, eventName: 'Transfer', logs: ofToken })
  const sources = new Set<string>()
  let change = 0n
  for (const { args } of transfers) {
    if (isAddressEqual(args.from, account)) change -= args.value
    if (!isAddressEqual(args.to, account)) continue
    change += args.value
    sources.add(args.from)
  }
  const [source = null] = sources.size === 1 ? sources : []
  return {
    signature: hash,
    slot: receipt.blockNumber,
    at: new Date(Number(block.timestamp) * 1000),
    change,
    // Minted out of nothing, nobody sent it.
    source: source === zeroAddress ? null : source,
  }
}
