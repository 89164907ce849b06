import type { Address, Signature } from '@solana/kit'
import { ChainUnreachable } from '#platform/chain-unreachable'
import type { References } from '../../rail.ts'
import type { SolanaRpc } from './rpc.ts'

const PAGE = 1000
/** More than this since the last look is more than one process can read before its lease ends. */
const MAX_PAGES = 100
const EVERYTHING = new Date(0)

/** What carries a memo and did not fail, newest first, until everything since an instant has been read. */
export async function referencesSince(
  rpc: SolanaRpc,
  { account, since }: { account: Address; since: Date },
): Promise<References> {
  const carried: References['carried'][number][] = []
  let before: Signature | undefined
  let reach: Date | null = null
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { commitment: 'confirmed', limit: PAGE, ...(before === undefined ? {} : { before }) } as const
    const found = await rpc.ask((node) => node.getSignaturesForAddress(account, query))
    for (const { signature, memo, err, blockTime, confirmationStatus } of found) {
      const isFinal = confirmationStatus === 'finalized'
      if (memo !== null && err === null) carried.push({ signature, reference: memo, isFinal })
      if (blockTime !== null) reach = new Date(Number(blockTime) * 1000)
    }
    if (reach !== null && reach < since) return { carried, reach }
    if (found.length < PAGE) return { carried, reach: await keptSince(rpc) }
    before = found.at(-1)?.signature
  }
  return { carried, reach }
}

/** A node may have thrown its older blocks away, and lists only what it still has without saying so. */
async function keptSince(rpc: SolanaRpc): Promise<Date> {
  const first = await rpc.ask((node) => node.getFirstAvailableBlock())
  if (first <= 1n) return EVERYTHING
  const at = await rpc.ask((node) => node.getBlockTime(first))
  if (at === null) throw new ChainUnreachable('solana', `the age of block ${first} is not known`)
  return new Date(Number(at) * 1000)
}
