import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { createWatch } from './watch.ts'

const [ONE, OTHER]: [Hex, Hex] = [`0x${'1'.repeat(64)}`, `0x${'2'.repeat(64)}`]

/** Blocks that come when they are told to; `asked` says after which block was asked. */
function blocks() {
  const made: Hex[][] = [[]]
  const asked: (bigint | null)[] = []
  let broken = false
  return {
    asked,
    make: (...hashes: Hex[]) => void made.push(hashes),
    breakDown: (is: boolean) => {
      broken = is
    },
    chain: {
      blocksAfter: async (last: bigint | null) => {
        asked.push(last)
        if (broken) throw new Error('no answer')
        const head = BigInt(made.length - 1)
        return { head, hashes: made.slice(last === null ? made.length - 1 : Number(last) + 1).flat() }
      },
    },
  }
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 30))

test('whoever waits hears when it is in a block, and the chain is asked once for all of them', async () => {
  const { chain, make, asked } = blocks()
  const watch = createWatch(chain, 5)
  const waits = Array.from({ length: 50 }, () => watch.waitFor(ONE))
  const other = watch.waitFor(OTHER)
  await soon()
  expect(asked.length).toBeLessThan(20)
  make(ONE)
  await Promise.all(waits.map(({ landed }) => landed))
  for (const { leave } of waits) leave()
  make()
  make(OTHER)
  await other.landed
  other.leave()
  await soon()
  const before = asked.length
  await soon()
  expect(asked.length).toBe(before)
})

test('a chain that does not answer for a while is asked on from where it was', async () => {
  const { chain, make, breakDown } = blocks()
  const watch = createWatch(chain, 5)
  const { landed, leave } = watch.waitFor(ONE)
  await soon()
  breakDown(true)
  make(ONE)
  make()
  await soon()
  breakDown(false)
  await landed
  leave()
})
