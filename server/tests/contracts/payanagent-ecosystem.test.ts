import sql from 'sql-template-tag'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Bazaar, resource, startBazaar, walletOf } from '#tests/bazaar'
import { openWorld, type World } from '#tests/world'

let world: World
const open: Bazaar[] = []
const sources: string[] = []
const ADMIN = '/api/v1/admin/ecosystem/sources'
const SIX_HOURS = 21_600

beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())
afterEach(async () => {
  for (const id of sources.splice(0)) await operator('DELETE', `${ADMIN}/${id}`)
  for (const bazaar of open.splice(0)) bazaar.close()
})

const operator = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) =>
  world.call(method, path, { key: world.operatorKey, ...(body ? { body } : {}) })

let number = 0
/** Numbers that no other test uses, so that each finds its own. */
const numbers = (count: number) => Array.from({ length: count }, () => number++)

async function bazaarWith(items: unknown[]): Promise<Bazaar> {
  const bazaar = await startBazaar(items)
  open.push(bazaar)
  return bazaar
}

async function importFrom({ url }: { url: string }): Promise<string> {
  const { status, body } = await operator('POST', ADMIN, { url })
  expect(status).toBe(200)
  sources.push(body.id)
  await world.settle()
  return body.id
}

const sourceOf = async (id: string) =>
  (await operator('GET', ADMIN)).body.sources.find((source: { id: string }) => source.id === id)

const found = async (q: string) => (await world.call('GET', `/api/v1/offers?limit=200&q=${q}`)).body.offers
const titled = (n: number, title: string, more: object = {}) => resource(n, { serviceName: title, ...more })

test('PA-7 PA-24 resources of another market are browsed, searched and shown as native offers are, sub-cent prices exact', async () => {
  const [one = 0, other = 0] = numbers(2)
  const info = { input: { type: 'http', method: 'POST', bodyType: 'json', body: { city: 'x' } } }
  const body = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
  const schema = { type: 'object', properties: { input: { type: 'object', properties: { body } } } }
  const weather = titled(one, 'Weatherman', {
    ...{ extensions: { bazaar: { info, schema } }, metadata: { category: 'Weather' }, tags: ['rain', 'rain', 'sun'] },
  })
  const id = await importFrom(await bazaarWith([weather, resource(other, {}, { amount: '1234567' })]))
  expect(await sourceOf(id)).toMatchObject({ passes: 1, fault: null, last: { read: 2, added: 2, skipped: {} } })
  const [listed] = await found('weatherman')
  const card = {
    ...{ title: 'Weatherman', description: `Tells the number ${one}`, category: 'Weather', tags: ['rain', 'sun'] },
    ...{ priceCents: 0, priceUsd: 0.001, source: 'ecosystem', offerType: 'api', httpMethod: 'POST', isActive: true },
    ...{ externalResourceId: `http://127.0.0.1:9009/resource/${one}`, buyUrl: `/x402/${listed.id}` },
    seller: {
      name: `${walletOf(one % 50).slice(0, 6)}…${walletOf(one % 50).slice(-4)}`,
      reputation: expect.anything(),
    },
  }
  expect(listed).toMatchObject(card)
  const detail = await world.call('GET', `/api/v1/offers/${listed.id}`)
  expect(detail.body.offer).toMatchObject({ ...card, inputSchema: body, endpoint: card.externalResourceId })
  expect((await world.call('GET', '/api/v1/offers?category=weather')).body.offers[0].id).toBe(listed.id)
  const newest = (await world.call('GET', '/api/v1/offers?sort=new&limit=2')).body.offers
  expect(newest.map(({ priceUsd }: { priceUsd: number }) => priceUsd).sort()).toEqual([0.001, 1.234567])
  const cheapest = (await world.call('GET', '/api/v1/offers?sort=price&limit=1')).body.offers
  expect(cheapest[0].id).toBe(listed.id)
})

test('PA-7 what has not changed costs no more than one look, what has is changed in place, and a seller is its wallet', async () => {
  const [same = 0, changing = 0, moving = 0] = numbers(3)
  const bazaar = await bazaarWith([same, changing, moving].map((n) => titled(n, `Unicorn ${n}`)))
  const id = await importFrom(bazaar)
  const before = await found('unicorn')
  const rows = () =>
    world.souk.store.read.rows<{ id: string; version: string }>(
      sql`select id::text, xmin::text as version from offer where title like 'Unicorn%' order by id`,
    )
  const kept = await rows()
  await world.pass(SIX_HOURS)
  expect(await sourceOf(id)).toMatchObject({ passes: 2, last: { read: 3, unchanged: 3, added: 0, changed: 0 } })
  expect(await rows()).toEqual(kept)
  bazaar.items = [
    titled(same, `Unicorn ${same}`, { lastUpdated: '2026-02-02T00:00:00Z' }),
    resource(changing, { serviceName: `Unicorn ${changing}` }, { amount: '2000' }),
    resource(moving, { serviceName: `Unicorn ${moving}` }, { payTo: walletOf(77) }),
  ]
  await world.pass(SIX_HOURS)
  expect((await sourceOf(id)).last).toMatchObject({ unchanged: 1, changed: 2 })
  const after = await found('unicorn')
  const byId = (offers: { id: string }[]) => new Map(offers.map((offer) => [offer.id, offer]))
  expect(new Set(byId(after).keys())).toEqual(new Set(byId(before).keys()))
  const offerOf = (offers: { title: string }[], n: number) =>
    offers.find(({ title }) => title === `Unicorn ${n}`) as unknown as { priceUsd: number; sellerId: string }
  expect(offerOf(after, changing).priceUsd).toBe(0.002)
  expect(offerOf(after, moving).sellerId).not.toBe(offerOf(before, moving).sellerId)
  expect(offerOf(after, same).sellerId).toBe(offerOf(before, same).sellerId)
})

test('PA-7 what a source tells of no longer is kept, marked and off the market after two passes, and comes back', async () => {
  const ns = numbers(3)
  const all = ns.map((n) => titled(n, `Dodo ${n}`))
  const bazaar = await bazaarWith(all)
  const id = await importFrom(bazaar)
  const ids = (await found('dodo')).map((offer: { id: string }) => offer.id).sort()
  bazaar.items = all.slice(1)
  await world.pass(SIX_HOURS)
  expect(await found('dodo')).toHaveLength(3)
  await world.pass(SIX_HOURS)
  expect(await found('dodo')).toHaveLength(2)
  expect((await sourceOf(id)).last).toMatchObject({ read: 2, gone: 1 })
  bazaar.items = all
  await world.pass(SIX_HOURS)
  expect((await sourceOf(id)).last).toMatchObject({ returned: 1, unchanged: 2 })
  expect((await found('dodo')).map((offer: { id: string }) => offer.id).sort()).toEqual(ids)
})

test('PA-7 bad items are left out with a reason and hold nothing up; strangers’ words are cleaned and cut', async () => {
  const [n = 0, m = 0, k = 0] = numbers(3)
  const hostile = resource(n, {
    ...{
      serviceName: `<b>Basilisk</b>\u0000\u202e ${'x'.repeat(500)}`,
      description: `<script>x</script>\ud800 y${'z'.repeat(9000)}`,
    },
    ...{
      tags: ['<i></i>', 5, 'a\u0000b', ...Array.from({ length: 50 }, (_, i) => `t${i}`)],
      metadata: { category: {} },
    },
    extensions: { bazaar: { schema: { properties: { input: { properties: { body: { $ref: 'http://evil/' } } } } } } },
  })
  const paid = (fields: object) => resource(n, {}, fields)
  const bad = [
    null,
    'text',
    [],
    { ...resource(n), type: 'mcp' },
    ...[
      'ftp://x/',
      'javascript:alert(1)',
      'http://user:pass@example.com/',
      'http://intranet/',
      'x',
      7,
      `https://e.com/${'x'.repeat(3000)}`,
    ].map((url) => resource(n, { resource: url })),
    resource(n, { resource: `http://localhost:3000/x402/${n}` }),
    ...[
      { amount: '0' },
      { amount: '-5' },
      { amount: '1e6' },
      { amount: 1000 },
      { network: 'eip155:x' },
      { scheme: 'upto' },
    ].map(paid),
    ...[{ asset: walletOf(1) }, { payTo: '0x0' }, { payTo: `0x${'0'.repeat(40)}` }, { amount: '9'.repeat(18) }].map(
      paid,
    ),
    { ...resource(n), accepts: 'none' },
    resource(m),
    resource(m),
  ]
  const v1 = {
    ...{ resource: `https://example.com/v1/${k}`, type: 'http', x402Version: 1 },
    accepts: [
      {
        ...{
          scheme: 'exact',
          network: 'base',
          maxAmountRequired: '5',
          asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
        },
        ...{
          payTo: walletOf(3),
          description: 'Basilisk of the first version',
          outputSchema: { input: { method: 'POST' } },
        },
      },
    ],
  }
  const id = await importFrom(await bazaarWith([...bad, hostile, v1]))
  const { last } = await sourceOf(id)
  expect(last).toMatchObject({
    ...{ read: bad.length + 2, added: 3 },
    skipped: {
      ...{
        'not an object': 3,
        'not of type http': 1,
        'no URL that could be called': 7,
        'a resource of this market': 1,
      },
      ...{ 'no price in USDC by the scheme exact': 10, 'not within the limits of offers': 1, 'twice on one page': 1 },
    },
  })
  const offers = await found('basilisk')
  const [second, first] = offers.sort((a: { priceUsd: number }, b: { priceUsd: number }) => a.priceUsd - b.priceUsd)
  expect(first.title).toBe(`Basilisk ${'x'.repeat(191)}`)
  expect(first.description).toMatch(/^x\ufffd yz+$/)
  expect(first.description).toHaveLength(2000)
  expect(first.tags).toHaveLength(20)
  expect([first.tags[0], first.category]).toEqual(['a b', 'ecosystem'])
  expect((await world.call('GET', `/api/v1/offers/${first.id}`)).body.offer.inputSchema).toBeNull()
  expect(second).toMatchObject({ title: `example.com/v1/${k}`, priceUsd: 0.000005, httpMethod: 'POST' })
})

test('a source that fails is tried again later, from where it was, and its fault is shown', async () => {
  const bazaar = await bazaarWith(numbers(250).map((n) => titled(n, `Salmon ${n}`)))
  bazaar.instead = ({ searchParams }) =>
    searchParams.get('offset') === '100' ? { status: 503, body: 'overloaded' } : undefined
  const id = await importFrom(bazaar)
  expect(await sourceOf(id)).toMatchObject({
    passes: 0,
    failures: 1,
    fault: 'it answered 503',
    progress: { offset: 100 },
  })
  await world.pass(29)
  expect(bazaar.asked).toHaveLength(2)
  for (const body of ['no json', '{"items": {}}', '[]']) {
    bazaar.instead = () => ({ status: 200, body })
    await world.pass(3600)
    expect(await sourceOf(id)).toMatchObject({ fault: 'it answered no list of resources', progress: { offset: 100 } })
  }
  bazaar.instead = undefined
  await world.pass(3600)
  expect(await sourceOf(id)).toMatchObject({ passes: 1, failures: 0, fault: null, last: { read: 250, added: 250 } })
  const offsets = bazaar.asked.map((path) => new URL(path, bazaar.url).searchParams.get('offset'))
  expect(offsets).toEqual(['0', '100', '100', '100', '100', '100', '200'])
})

test('pages too large to be read are asked for smaller, and one item that is never small enough is only told of', async () => {
  const [last = 0, ...ns] = numbers(31)
  const whale = (n: number, padding: number) => titled(n, `Whale ${n}`, { padding: 'x'.repeat(padding) })
  const bazaar = await bazaarWith([...ns.map((n) => whale(n, 300_000)), whale(last, 9_000_000)])
  const id = await importFrom(bazaar)
  const skipped = { 'larger than can be read': 1 }
  expect(await sourceOf(id)).toMatchObject({ passes: 1, fault: null, last: { read: 31, added: 30, skipped } })
  expect(await found('whale')).toHaveLength(30)
})

test('a source that tells the same page for ever, whatever it is asked for, is read once', async () => {
  const ns = numbers(100)
  const page = JSON.stringify({ items: ns.map((n) => titled(n, `Ouroboros ${n}`)), pagination: { total: 1_000_000 } })
  const bazaar = await bazaarWith([])
  bazaar.instead = () => ({ status: 200, body: page })
  const id = await importFrom(bazaar)
  expect(await sourceOf(id)).toMatchObject({ passes: 1, last: { read: 200, added: 100, unchanged: 100 } })
})

test('two sources that tell of one resource make one offer, which goes over to the second when the first is removed', async () => {
  const [n = 0] = numbers(1)
  const [one, other] = [await bazaarWith([titled(n, 'Chimera one')]), await bazaarWith([titled(n, 'Chimera other')])]
  const [first, second] = [await importFrom(one), await importFrom(other)]
  expect((await sourceOf(second)).last).toMatchObject({ added: 0, skipped: { 'told of by another source': 1 } })
  const [offer] = await found('chimera')
  expect((await found('chimera')).map(({ title }: { title: string }) => title)).toEqual(['Chimera one'])
  await operator('DELETE', `${ADMIN}/${first}`)
  expect(await found('chimera')).toEqual([])
  expect((await world.call('GET', `/api/v1/offers/${offer.id}`)).status).toBe(404)
  await world.pass(SIX_HOURS)
  expect(await found('chimera')).toMatchObject([{ id: offer.id, title: 'Chimera other' }])
})

test('the way to a list is found from a market, a facilitator or the list itself; anything else is refused', async () => {
  const bazaar = await bazaarWith([])
  const base = bazaar.url
  const ids = new Set<string>()
  for (const url of [base, `${base}/`, `${base}/discovery/resources?limit=5&offset=7#x`])
    ids.add(await importFrom({ url }))
  expect(ids.size).toBe(1)
  await importFrom({ url: `${base}/facilitator?network=base` })
  expect(bazaar.asked.at(-1)).toBe('/facilitator/discovery/resources?network=base&limit=100&offset=0')
  for (const url of ['x', 'ftp://x/', 'http://a:b@example.com/'])
    expect([(await operator('POST', ADMIN, { url })).body.code, url]).toEqual(['source_invalid', url])
  const gone = await operator('DELETE', `${ADMIN}/01890000-0000-7000-8000-000000000000`)
  expect([gone.status, gone.body.code]).toEqual([404, 'source_unknown'])
  expect((await world.call('GET', ADMIN)).status).toBe(401)
})

test('strangers’ lists are asked for through the guarded fetch: none leads to this server or inside', async () => {
  for (const url of ['http://127.0.0.1:3000', 'http://10.0.0.1:8080', 'http://169.254.169.254:8080/latest']) {
    const id = await importFrom({ url })
    expect((await sourceOf(id)).fault).toMatch(/cannot be called/)
  }
})

test('PA-7 one market imports from another over HTTP: what is sold there is found here, with its price and its schema', async () => {
  const other = await openWorld({ chain: world.chain, evm: true, listens: true })
  try {
    const wallet = walletOf(number++)
    const { body: agent } = await other.call('POST', '/api/v1/agents', {
      body: { name: 'Abroad', description: 'Sells elsewhere.', walletAddress: wallet },
    })
    const inputSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] }
    const about = { title: 'Platypus', description: 'From abroad.', category: 'animals', priceCents: 3, tags: ['egg'] }
    const { body: sold } = await other.call('POST', '/api/v1/offers', {
      key: agent.apiKey,
      body: { ...about, offerType: 'api', endpoint: 'https://example.com/', inputSchema },
    })
    const id = await importFrom(other)
    expect((await sourceOf(id)).last).toMatchObject({ read: 1, added: 1, skipped: {} })
    const [found1] = await found('platypus')
    const resourceUrl = `${other.url}/x402/${sold.offerId}`
    expect(found1).toMatchObject({ ...about, priceUsd: 0.03, httpMethod: 'POST', externalResourceId: resourceUrl })
    expect((await world.call('GET', `/api/v1/offers/${found1.id}`)).body.offer.inputSchema).toEqual(inputSchema)
    expect((await other.call('GET', '/discovery/resources')).body.pagination.total).toBe(1)
  } finally {
    await other.close()
  }
})
