import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createWallet, faucet } from '@souk/devchain/evm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, type World } from '#tests/world'
import { type Cuts, openCuttingProxy } from './cutting-proxy.ts'
import { openShop, type Shop } from './shop.ts'

const BUYER = fileURLToPath(new URL('./buyer-process.ts', import.meta.url))
const RUN_MS = 90_000

let world: World
let shop: Shop
let home: string

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  shop = await openShop(world)
  home = mkdtempSync(join(tmpdir(), 'souk-killed-buyer-'))
})
afterAll(async () => {
  shop.close()
  await world.close()
  rmSync(home, { recursive: true })
})

interface Scene {
  readonly folder: string
  kill(): void
}

/** When the buyer dies; answers how the way to the market is cut there, and begins to watch where that is not how it is seen. */
type Death = (scene: Scene) => Cuts

const onWay = (asked: { payment: string | null }) => asked.payment !== null

const DEATHS: [string, string | undefined, Death][] = [
  ['as soon as the payment is kept', 'order-1', whenKept],
  [
    'with the payment on its way to the market',
    'order-2',
    ({ kill }) => ({ arrived: (asked) => onWay(asked) && died(kill) }),
  ],
  ['with the answer on its way back', 'order-3', ({ kill }) => ({ answered: (asked) => onWay(asked) && died(kill) })],
  [
    'with the answer on its way, and no key given',
    undefined,
    ({ kill }) => ({ answered: (asked) => onWay(asked) && died(kill) }),
  ],
]

test.each(DEATHS)(
  'D-15 D-16 a buyer killed %s, and started again, pays once',
  { timeout: RUN_MS },
  async (_, key, death) => {
    const offerId = await shop.offer()
    const { address, secretKey } = await createWallet()
    await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount: 1_000_000n })
    const folder = mkdtempSync(join(home, 'store-'))
    let dying: ChildProcess | undefined
    const cuts = death({ folder, kill: () => dying?.kill('SIGKILL') })
    let isReborn = false
    const proxy = await openCuttingProxy(world.url, {
      arrived: (asked) => !isReborn && (cuts.arrived?.(asked) ?? false),
      answered: (asked) => !isReborn && (cuts.answered?.(asked) ?? false),
    })
    try {
      const run = () => {
        const args = [BUYER, `${proxy.url}/x402/${offerId}`, folder, secretKey, ...(key === undefined ? [] : [key])]
        return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      }
      dying = run()
      expect(await outcome(dying)).toEqual({ signal: 'SIGKILL', out: '' })
      isReborn = true
      expect(await outcome(run())).toEqual({ signal: null, out: expect.stringMatching(/^0x[0-9a-f]{64}\n$/) })
      expect(await shop.held(address)).toBe(1_000_000n - 10_000n)
      const payments = proxy.seen.flatMap(({ payment }) => payment ?? [])
      expect(new Set(payments).size).toBe(1)
    } finally {
      proxy.close()
    }
  },
)

function died(kill: () => void): true {
  kill()
  return true
}

/** Looks as often as it can: the payment is sent a moment after it is kept. */
function whenKept({ folder, kill }: Scene): Cuts {
  const isKept = () =>
    existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.json'))
  const look = () => (isKept() ? kill() : setImmediate(look))
  look()
  return {}
}

async function outcome(run: ChildProcess): Promise<{ signal: string | null; out: string }> {
  const ended = new Promise<string | null>((resolve) => run.once('close', (_, signal) => resolve(signal)))
  const out = run.stdout ? await text(run.stdout) : ''
  return { signal: await ended, out }
}
