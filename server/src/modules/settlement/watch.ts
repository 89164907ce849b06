import type { Hex } from 'viem'
import type { SettlementChain } from './chain.ts'

/** Waits for transactions to be in blocks: one question for all that are waited for, not one for each. */
export interface Watch {
  /** `landed` once it is in a block that was seen; `leave` when nobody waits for it any more. */
  waitFor(hash: Hex): { readonly landed: Promise<void>; leave(): void }
}

/** Advice only: blocks may be missed, and taken back. Who waits also looks by himself now and then. */
export function createWatch(chain: Pick<SettlementChain, 'blocksAfter'>, everyMs: number): Watch {
  const waiting = new Map<Hex, Set<() => void>>()
  let last: bigint | null = null
  let watching = false
  const look = async (): Promise<void> => {
    const { head, hashes } = await chain.blocksAfter(last)
    last = head
    for (const hash of hashes) for (const wake of waiting.get(hash) ?? []) wake()
  }
  const watch = async (): Promise<void> => {
    watching = true
    while (waiting.size > 0) {
      await look().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
    watching = false
    last = null
  }
  return {
    waitFor: (hash) => {
      const wakes = waiting.get(hash) ?? new Set()
      waiting.set(hash, wakes)
      let wake = () => {}
      const landed = new Promise<void>((resolve) => {
        wake = resolve
      })
      wakes.add(wake)
      if (!watching) void watch()
      return {
        landed,
        leave: () => {
          wakes.delete(wake)
          if (wakes.size === 0 && waiting.get(hash) === wakes) waiting.delete(hash)
        },
      }
    },
  }
}
