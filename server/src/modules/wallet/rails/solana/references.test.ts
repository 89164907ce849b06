import { address } from '@solana/kit'
import { describe, expect, test } from 'vitest'
import { TOKEN_PROGRAM } from './programs.ts'
import { referencesSince } from './references.ts'
import type { SolanaRpc } from './rpc.ts'

interface Entry {
  readonly second: number
  readonly err?: object
  readonly memo?: string | null
}

/** A node that lists these, newest first, and keeps blocks from the given second on. */
function node(entries: readonly Entry[], firstBlock: { slot: bigint; second: bigint | null }): SolanaRpc {
  const listed = entries.map(({ second, err = null, memo = `[1] ${second}` }, i) => {
    return { signature: `s${i}`, memo, err, blockTime: BigInt(second), confirmationStatus: 'finalized' }
  })
  const methods = {
    getSignaturesForAddress: (_: string, { limit, before }: { limit: number; before?: string }) => {
      const from = before === undefined ? 0 : listed.findIndex(({ signature }) => signature === before) + 1
      return listed.slice(from, from + limit)
    },
    getFirstAvailableBlock: () => firstBlock.slot,
    getBlockTime: () => firstBlock.second,
  }
  return { ask: async (request) => request(methods as never) as never }
}

const seconds = (newest: number, count: number) => Array.from({ length: count }, (_, i) => ({ second: newest - i }))
const since = (second: number) => ({ account: address(TOKEN_PROGRAM), since: new Date(second * 1000) })
const whole = { slot: 0n, second: null }

describe('D-15 how far back the chain was searched', () => {
  test('page by page, until what is listed is older than asked for', async () => {
    const { carried, reach } = await referencesSince(node(seconds(9000, 5000), whole), since(6500))
    expect(carried).toHaveLength(3000)
    expect(reach).toEqual(new Date(6001_000))
  })

  test('to the beginning, where the node has everything', async () => {
    const { carried, reach } = await referencesSince(node(seconds(9000, 1000), whole), since(100))
    expect(carried).toHaveLength(1000)
    expect(reach).toEqual(new Date(0))
  })

  test('no further than the node has blocks, although it lists no more', async () => {
    const pruned = node(seconds(9000, 10), { slot: 77n, second: 8000n })
    expect((await referencesSince(pruned, since(100))).reach).toEqual(new Date(8000_000))
    const silent = node(seconds(9000, 10), { slot: 77n, second: null })
    await expect(referencesSince(silent, since(100))).rejects.toThrow('the age of block 77')
  })

  test('what failed, or carries nothing, paid nobody', async () => {
    const entries = [{ second: 9, err: {} }, { second: 8, memo: null }, { second: 7 }]
    const { carried } = await referencesSince(node(entries, whole), since(1))
    expect(carried).toEqual([{ signature: 's2', reference: '[1] 7', isFinal: true }])
  })
})
