import { type Hash, hexToBytes } from 'viem'
import type { References } from '../../rail.ts'
import type { EvmRpc } from './rpc.ts'
import type { createTransferReader } from './transfers.ts'

const WINDOW = 2000n
/** More than this since the last look is more than one process can read before its lease ends. */
const MAX_WINDOWS = 200
const EVERYTHING = new Date(0)
/** `souk:`, a UUID, and the number of the attempt. */
const REFERENCE = /souk:[0-9a-f-]{36}:\d{1,9}$/
const TAIL_BYTES = 64

interface Search {
  readonly reader: Pick<ReturnType<typeof createTransferReader>, 'transfersOf'>
  readonly account: string
  readonly since: Date
}

/** What carries a reference at its end and did not fail, newest first, until everything since an instant has been read. */
export async function referencesSince(rpc: EvmRpc, { reader, account, since }: Search): Promise<References> {
  const carried: References['carried'][number][] = []
  const { number: final } = await rpc.finalBlock()
  let to = await rpc.ask((node) => node.getBlockNumber({ cacheTime: 0 }))
  for (let window = 0; window < MAX_WINDOWS; window++) {
    const from = to >= WINDOW ? to - WINDOW + 1n : 0n
    const transfers = await reader.transfersOf(account, { from, to })
    const isFinalByHash = new Map(transfers.map(({ hash, blockNumber }) => [hash, blockNumber <= final]))
    const found = await Promise.all([...isFinalByHash].map(([hash, isFinal]) => referenceOf(rpc, { hash, isFinal })))
    carried.push(...found.flatMap((one) => (one === null ? [] : [one])).reverse())
    if (from === 0n) return { carried, reach: EVERYTHING }
    const { timestamp } = await rpc.ask((node) => node.getBlock({ blockNumber: from }))
    const reach = new Date(Number(timestamp) * 1000)
    if (reach < since) return { carried, reach }
    to = from - 1n
  }
  return { carried, reach: null }
}

async function referenceOf(rpc: EvmRpc, { hash, isFinal }: { hash: Hash; isFinal: boolean }) {
  const { input } = await rpc.ask((node) => node.getTransaction({ hash }))
  const tail = Buffer.from(hexToBytes(input)).subarray(-TAIL_BYTES).toString('latin1')
  const [reference] = REFERENCE.exec(tail) ?? []
  return reference === undefined ? null : { signature: hash, reference, isFinal }
}
