import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import type { SettlementChain } from './chain.ts'
import { markFinal, reopenSettlements, type UnfinalBlock, unfinalBlocks } from './store.ts'

const BATCH = 200

export interface FinalityOptions {
  readonly store: Store
  readonly chain: SettlementChain
  readonly everyMs: number
}

/**
 * Watches what was settled until nothing can take it back. What a reorganization has taken away is under way again: its line
 * sends it again, and ends it either way. Looked at are blocks that are final by now, and, while it helps, those of which
 * something could still be sent again.
 */
export function finalitySweep({ store, chain, everyMs }: FinalityOptions): Sweep {
  const { network } = chain
  return {
    name: `settlements:final:${network}`,
    everyMs,
    ignoresWakes: true,
    run: async () => {
      const now = BigInt(Math.floor(Date.now() / 1000))
      const blocks = await unfinalBlocks(store.read, { network, now, limit: BATCH })
      if (blocks.length === 0) return 0
      const final = await chain.finalBlock()
      const due = blocks.filter(({ block, mendable }) => mendable || block <= final)
      const hashes = await Promise.all(due.map(({ block }) => chain.blockHashAt(block)))
      let changed = 0
      for (const [index, place] of due.entries())
        changed += await judge(place, hashes[index] === place.blockHash, final)
      return changed
    },
  }

  function judge(place: UnfinalBlock, stands: boolean, final: bigint): Promise<number> {
    if (!stands) return store.transact((tx) => reopenSettlements(tx, { network, ...place }))
    if (place.block > final) return Promise.resolve(0)
    return store.transact((tx) => markFinal(tx, { network, ...place }))
  }
}
