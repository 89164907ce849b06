import sql from 'sql-template-tag'
import { addSource, importSweep, sourcesOf } from '#ecosystem'
import { partyOfWallet } from '#identity'
import { browseOffers, checkOffer, findOffers, listOffer } from '#offers'
import { openStore, type Store } from '#platform/db'
import { createOutbound } from '#platform/outbound/index'
import { resource, startBazaar, walletOf } from '#tests/bazaar'
import { openGround } from './ground.ts'

/**
 * Browsing and searching 25,000 imported resources beside 25,000 offers listed here: `node server/tests/load/catalogue.ts`,
 * on BENCH_DATABASE_URL or the embedded PostgreSQL. Prints medians and their ratio; nothing here asserts a time.
 */
const OFFERS = 25_000
const ROUNDS = 60
const AT_ONCE = 500

const outbound = createOutbound({ allowLoopback: true, ownPorts: () => [] })

async function listNative(store: Store): Promise<void> {
  const wallet = { network: 'eip155:84532', address: walletOf(1) }
  const sellerId = await store.transact((tx) => partyOfWallet(tx, wallet))
  const about = {
    category: 'ecosystem',
    tags: ['numbers'],
    offerType: 'api',
    endpoint: 'http://127.0.0.1:9009/',
  } as const
  for (let n = 0; n < OFFERS; n += AT_ONCE)
    await store.transact(async (tx) => {
      for (let each = n; each < n + AT_ONCE; each++) {
        const words = { title: `Numbers ${each}`, description: `Tells the number ${each}`, priceMicros: 10_000n }
        await listOffer(tx, { sellerId, offer: await checkOffer({ ...about, ...words }, { outbound }) })
      }
    })
}

async function importAll(store: Store): Promise<void> {
  const bazaar = await startBazaar(Array.from({ length: OFFERS }, (_, n) => resource(n)))
  await store.transact((tx) => addSource(tx, { url: bazaar.url }))
  const reading = { sandbox: true, ours: [], publicUrl: 'http://localhost:3000' }
  const sweep = importSweep({ store, outbound, reading, sellerOf: partyOfWallet })
  const told = async (what: string) => {
    const from = performance.now()
    while ((await sweep.run()) > 0);
    console.log(`${what} ${OFFERS} resources: ${((performance.now() - from) / 1000).toFixed(1)} s`)
  }
  await told('imported')
  const [source] = await sourcesOf(store.read)
  if (source?.lastCounts?.added !== OFFERS) throw new Error(`imported ${source?.lastCounts?.added}: ${source?.fault}`)
  await store.transact((tx) => addSource(tx, { url: bazaar.url }))
  await told('read again, unchanged,')
  bazaar.close()
}

const QUESTIONS: Readonly<Record<string, (store: Store, round: number) => Promise<unknown>>> = {
  'browse top': ({ read }) => browseOffers(read, { sort: 'top', limit: 50 }),
  'browse price': ({ read }) => browseOffers(read, { sort: 'price', limit: 50 }),
  'browse new': ({ read }) => browseOffers(read, { sort: 'new', limit: 50 }),
  category: ({ read }) => findOffers(read, { category: 'ecosystem', limit: 50 }),
  'search, one hit': ({ read }, round) => findOffers(read, { text: `numbers ${12_345 + round}`, limit: 50 }),
  'search, all hit': ({ read }) => findOffers(read, { text: 'numbers', limit: 50 }),
}

async function mediansOf(store: Store): Promise<Map<string, number>> {
  await store.transact((tx) => tx.run(sql`analyze`))
  const medians = new Map<string, number>()
  for (const [name, ask] of Object.entries(QUESTIONS)) {
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const from = performance.now()
      await ask(store, round)
      times.push(performance.now() - from)
    }
    medians.set(name, times.sort((one, other) => one - other)[ROUNDS / 2] ?? 0)
  }
  return medians
}

const ground = await openGround()

async function measured(fill: (store: Store) => Promise<void>): Promise<Map<string, number>> {
  const store = openStore({ url: await ground.makeMarket('catalogue') })
  try {
    await fill(store)
    return await mediansOf(store)
  } finally {
    await store.close()
  }
}

try {
  const native = await measured(listNative)
  const imported = await measured(importAll)
  for (const [name, ms] of native) {
    const other = imported.get(name) ?? 0
    console.log(
      `${name.padEnd(16)} native ${ms.toFixed(1)} ms, imported ${other.toFixed(1)} ms, ${(other / ms).toFixed(2)} ×`,
    )
  }
} finally {
  outbound.close()
  await ground.close()
}
