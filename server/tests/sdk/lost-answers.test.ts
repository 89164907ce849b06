import { buy, evmWallet, memoryStore, usdc } from '@souk/sdk'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LONG } from '#tests/crash/dice'
import { TOKEN } from '#tests/evm-payments'
import { openWorld, type World } from '#tests/world'
import { type CuttingProxy, firstOfEachPayment, openCuttingProxy } from './cutting-proxy.ts'
import { openShop, type Shop } from './shop.ts'

const PURCHASES = LONG ? 1000 : 100
const AT_ONCE = 40
const BUYERS = 10

let world: World
let shop: Shop
let proxy: CuttingProxy

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  shop = await openShop(world)
  proxy = await openCuttingProxy(world.url, { answered: firstOfEachPayment() })
})
afterAll(async () => {
  proxy.close()
  shop.close()
  await world.close()
})

/** How often the token moved to the seller, as the chain's own log has it. */
async function transfersTo(owner: string): Promise<number> {
  const topic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
  const filter = {
    address: TOKEN.address,
    fromBlock: '0x0',
    topics: [topic, null, `0x${owner.slice(2).padStart(64, '0')}`],
  }
  return (await world.evm?.call<unknown[]>('eth_getLogs', filter))?.length ?? 0
}

test(`D-15 D-16 a client that loses every first answer: ${PURCHASES} purchases are ${PURCHASES} settlements on the chain`, {
  timeout: LONG ? 1_800_000 : 150_000,
}, async () => {
  const id = await shop.offer()
  const wallets = await Promise.all(Array.from({ length: BUYERS }, async () => evmWallet(await shop.buyer())))
  const store = memoryStore()
  let next = 0
  const live = async () => {
    for (let n = next++; n < PURCHASES; n = next++) {
      const options = { wallet: wallets[n % BUYERS]!, store, maxPrice: usdc('0.01'), key: `order ${n}`, input: { n } }
      const { status, payment } = await buy(`${proxy.url}/x402/${id}`, options)
      expect([status, payment?.amount]).toEqual([200, 10_000n])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, live))
  expect(proxy.lost()).toBe(PURCHASES)
  expect([await transfersTo(shop.payTo), await shop.earned()]).toEqual([PURCHASES, BigInt(PURCHASES) * 10_000n])
  expect(new Set(shop.calls.map(({ body }) => body)).size).toBe(PURCHASES)
  expect(shop.calls).toHaveLength(PURCHASES)
  const [counts] = await world.souk.store.read.rows(sql`
      select (select count(*)::int from purchase where state = 'settled') as purchases,
        (select count(*)::int from purchase where state <> 'settled') as others,
        (select count(*)::int from receipt) as receipts`)
  expect(counts).toEqual({ purchases: PURCHASES, others: 0, receipts: PURCHASES })
})
