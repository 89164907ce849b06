import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAgent, setSuspended } from '#identity'
import { newId } from '#kernel/id'
import {
  browseOffers,
  changeOffer,
  checkOffer,
  checkOfferChanges,
  deactivateOffer,
  findOffers,
  listOffer,
  noteCalls,
  noteHealth,
  type Offer,
  type OfferChanges,
  type OfferDraft,
  type OfferPosition,
  type OfferQuery,
  type OfferSort,
  offerById,
  offerRefusals,
  offerStandingsOf,
  offersById,
} from '#offers'
import { openTestDatabase, type TestDatabase } from '#tests/database'

let database: TestDatabase

beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

/** Stands in for the guarded outbound, which has tests of its own. */
const outbound = {
  checkUrl: async (url: string) => {
    if (url.includes('inside')) throw offerRefusals.offer_invalid({ field: 'url', problem: 'leads inside' })
  },
}

const PLAIN = { title: 'An offer', description: 'Does what it says.', priceMicros: 20_000n, offerType: 'api' as const }
const ENDPOINT = 'https://seller.example/call'

async function offer(draft: Partial<OfferDraft> = {}, sellerId = newId()): Promise<Offer> {
  const checked = await checkOffer({ ...PLAIN, category: newId(), endpoint: ENDPOINT, ...draft }, { outbound })
  return database.store.transact((tx) => listOffer(tx, { sellerId, offer: checked }))
}

async function change(listed: Offer, draft: OfferChanges, by = listed.sellerId): Promise<Offer> {
  const changes = await checkOfferChanges(draft, { outbound })
  return database.store.transact((tx) => changeOffer(tx, { offerId: listed.id, by, changes }))
}

const deactivate = ({ id, sellerId }: Offer) =>
  database.store.transact((tx) => deactivateOffer(tx, { offerId: id, by: sellerId }))

async function called({ id }: Offer, outcomes: readonly boolean[], buyerId: string = newId()): Promise<void> {
  const calls = outcomes.map((delivered) => ({ offerId: id, buyerId, delivered }))
  await database.store.transact((tx) => noteCalls(tx, { calls }))
}

const found = async (query: Partial<OfferQuery>) =>
  (await findOffers(database.store.read, { limit: 200, ...query })).map(({ id }) => id)

const ids = (...offers: Offer[]) => offers.map(({ id }) => id)

test('an offer is read back as it was listed, schemas in the order they were written', async () => {
  const inputSchema = { type: 'object', properties: { z: { type: 'number' }, a: { const: 1e21 } } }
  const more = { tags: ['a'], estimatedDurationSeconds: 0.25, verificationBody: '{}', externalUrl: 'https://a.example' }
  const listed = await offer({ inputSchema, ...more })
  const read = await offerById(database.store.read, listed.id)
  expect(read).toEqual(listed)
  expect(JSON.stringify(read?.inputSchema)).toBe(JSON.stringify(inputSchema))
  expect(listed).toMatchObject({ active: true, source: 'native', externalResourceId: null, ...more })
})

test('many offers come in one question, unknown and malformed ids are left out', async () => {
  const [one, two] = [await offer(), await offer()]
  const offers = await offersById(database.store.read, [one.id, two.id, newId(), "'; --"])
  expect(offers).toEqual(new Map([one, two].map((listed) => [listed.id, listed])))
})

test('PA-7 an imported offer may cost less than a cent and is imported once', async () => {
  const checked = await checkOffer(
    { ...PLAIN, category: newId(), endpoint: ENDPOINT, priceMicros: 1_500n },
    { outbound, source: 'ecosystem' },
  )
  const externalResourceId = newId()
  const bring = () =>
    database.store.transact((tx) => listOffer(tx, { sellerId: newId(), offer: checked, externalResourceId }))
  expect(await bring()).toMatchObject({ source: 'ecosystem', priceMicros: 1_500n, externalResourceId })
  await expect(bring()).rejects.toThrow()
})

test('D-31 schemas that reach out or are none are refused with the path of the fault', async () => {
  await expect(offer({ inputSchema: { $ref: 'https://a.example' } })).rejects.toMatchObject({
    code: 'offer_invalid',
    details: { field: 'inputSchema', details: [expect.stringMatching(/^inputSchema\/\$ref: /)] },
  })
  const listed = await offer()
  await expect(change(listed, { outputSchema: { type: 'strnig' } })).rejects.toMatchObject({ code: 'offer_invalid' })
})

test('PA-29 no URL of an offer may lead inside, in a change as little as in a new one', async () => {
  const inside = 'https://inside.example'
  for (const field of ['endpoint', 'fileUrl', 'externalUrl'] as const) {
    await expect(offer({ [field]: inside })).rejects.toMatchObject({ code: 'offer_invalid' })
    await expect(change(await offer(), { [field]: inside })).rejects.toMatchObject({ code: 'offer_invalid' })
  }
})

test('PA-28 a change may not take away what an offer sells', async () => {
  const listed = await offer()
  await expect(change(listed, { endpoint: null })).rejects.toMatchObject({ details: { field: 'endpoint' } })
  await expect(change(listed, { offerType: 'download' })).rejects.toMatchObject({ details: { field: 'fileUrl' } })
  const fileUrl = 'https://seller.example/file'
  const changed = await change(listed, { offerType: 'download', fileUrl, endpoint: null })
  expect(changed).toMatchObject({ offerType: 'download', fileUrl, endpoint: null, settlesFirst: true })
  expect(await offerById(database.store.read, listed.id)).toEqual(changed)
})

test('PA-30 nobody but the seller changes an offer', async () => {
  const listed = await offer()
  await expect(change(listed, { priceMicros: 10_000n }, newId())).rejects.toMatchObject({ code: 'not_offer_seller' })
  await expect(deactivate({ ...listed, sellerId: newId() })).rejects.toMatchObject({ code: 'not_offer_seller' })
  await expect(deactivate({ ...listed, id: newId() })).rejects.toMatchObject({ code: 'offer_unknown' })
  expect(await offerById(database.store.read, listed.id)).toEqual(listed)
})

test('PA-31 deactivating twice is deactivating once, and a change may list it again', async () => {
  const listed = await offer()
  const { category, title: text } = listed
  const [first, second] = [await deactivate(listed), await deactivate(listed)]
  expect([first.active, second]).toEqual([false, first])
  expect([await found({ category }), await found({ text, category })]).toEqual([[], []])
  await change(listed, { active: true })
  expect([await found({ category }), await found({ text, category })]).toEqual([ids(listed), ids(listed)])
})

test('D-35 a suspended agent lists nothing new', async () => {
  const profile = { description: '', capabilities: [], callbackUrl: null, email: null, passwordHash: null }
  const door = { isUnique: false, emergencyAddress: null, isActivated: true, keyLook: 'jp' as const }
  const { partyId } = await database.store.transact((tx) =>
    createAgent(tx, { name: 'seller', ...profile, ...door, sealingKey: new Uint8Array(32) }),
  )
  await offer({}, partyId)
  await database.store.transact((tx) => setSuspended(tx, { partyId, suspended: true }))
  await expect(offer({}, partyId)).rejects.toMatchObject({ code: 'seller_suspended' })
})

test('paid and delivered calls are counted, a buyer once, unknown offers not at all', async () => {
  const listed = await offer()
  const buyer = newId()
  await called(listed, [true, false], buyer)
  await called(listed, [true], buyer)
  await called(listed, [true])
  await called({ ...listed, id: newId() }, [true])
  const standings = await offerStandingsOf(database.store.read, [listed.id])
  expect(standings.get(listed.id)).toMatchObject({ paidCalls: 4, deliveredCalls: 3, buyers: 2 })
})

test('calls counted by many at once are all counted, and nobody waits for ever', async () => {
  const offers = [await offer(), await offer(), await offer()]
  const buyer = newId()
  const round = (turn: number) =>
    [...offers, ...offers]
      .slice(turn % 3, (turn % 3) + 3)
      .map(({ id }) => ({ offerId: id, buyerId: buyer, delivered: true }))
  await Promise.all(
    Array.from({ length: 12 }, (_, turn) => database.store.transact((tx) => noteCalls(tx, { calls: round(turn) }))),
  )
  const standings = await offerStandingsOf(database.store.read, ids(...offers))
  for (const standing of standings.values())
    expect(standing).toMatchObject({ paidCalls: 12, deliveredCalls: 12, buyers: 1 })
})

test('what asking the endpoint showed is kept with its time', async () => {
  const listed = await offer()
  await database.store.transact((tx) => noteHealth(tx, { offerId: listed.id, state: 'failing', reason: 'no answer' }))
  const standings = await offerStandingsOf(database.store.read, [listed.id])
  expect(standings.get(listed.id)).toMatchObject({
    health: 'failing',
    healthReason: 'no answer',
    probedAt: expect.any(Date),
    stale: false,
  })
})

test('PA-22 top ranks by proven outcomes: delivered calls, more buyers, then the newest', async () => {
  const category = newId()
  const [plain, failed, proven, beloved, newest] = [
    await offer({ category }),
    await offer({ category }),
    await offer({ category }),
    await offer({ category }),
    await offer({ category }),
  ]
  await called(failed, [false])
  await called(proven, [true, true])
  await called(beloved, [true])
  await called(beloved, [true])
  expect(await found({ category })).toEqual(ids(beloved, proven, newest, plain, failed))
})

test('PA-66 paid three times and never delivered is shown in no list, until it delivers', async () => {
  const category = newId()
  const listed = await offer({ category, title: `Word${category.slice(-12)}` })
  const shown = async () => [
    await found({ category }),
    await found({ text: listed.title }),
    (await browsed('new')).filter((id) => id === listed.id),
  ]
  await called(listed, [false, false])
  expect(await shown()).toEqual([ids(listed), ids(listed), ids(listed)])
  await called(listed, [false])
  expect(await shown()).toEqual([[], [], []])
  expect(await offerById(database.store.read, listed.id)).toEqual(listed)
  await called(listed, [true])
  expect(await shown()).toEqual([ids(listed), ids(listed), ids(listed)])
})

test('PA-66 below half of four or more is last in every ranked list, whatever else speaks for it', async () => {
  const word = `W${newId().slice(-12)}`
  const category = newId()
  const bad = await offer({ category, title: `${word} ${word}`, tags: [word] })
  const half = await offer({ category, title: word })
  const plain = await offer({ category, description: `Also does ${word}.` })
  for (const delivered of [true, true, false, false, false]) await called(bad, [delivered])
  await called(half, [true, true, false, false])
  expect(await found({ category })).toEqual(ids(half, plain, bad))
  expect(await found({ text: word })).toEqual(ids(half, plain, bad))
  const top = await browsed('top')
  expect(top.indexOf(bad.id)).toBeGreaterThan(top.indexOf(plain.id))
  await called(bad, [true])
  expect(await found({ category })).toEqual(ids(bad, half, plain))
})

async function browsed(sort: OfferSort, limit = 3): Promise<string[]> {
  const seen: string[] = []
  let after: OfferPosition | undefined
  for (;;) {
    const page = await browseOffers(database.store.read, { sort, limit, after })
    seen.push(...page.offers.map(({ id }) => id))
    if (!page.next) return seen
    expect(page.offers).toHaveLength(limit)
    after = page.next
  }
}

test.each(['top', 'price', 'new'] as const)('PA-22 pages by %s show everything once and in order', async (sort) => {
  for (let i = 0; i < 8; i++) await offer({ priceMicros: BigInt((i % 3) + 1) * 10_000n })
  const whole = await browsed(sort, 200)
  expect(whole.length).toBeGreaterThan(8)
  expect(await browsed(sort)).toEqual(whole)
  const offers = await offersById(database.store.read, whole)
  const prices = whole.map((id) => Number(offers.get(id)?.priceMicros))
  if (sort === 'price') expect(prices).toEqual([...prices].sort((a, b) => a - b))
  if (sort === 'new') expect(whole).toEqual([...whole].sort().reverse())
})

test('PA-22 what is listed between two pages moves nothing', async () => {
  const first = await browseOffers(database.store.read, { sort: 'new', limit: 2 })
  await offer()
  const second = await browseOffers(database.store.read, { sort: 'new', limit: 2, after: first.next as OfferPosition })
  const whole = await browseOffers(database.store.read, { sort: 'new', limit: 5 })
  expect([...first.offers, ...second.offers].map(({ id }) => id)).toEqual(whole.offers.slice(1).map(({ id }) => id))
})

test('PA-60 category, type and price restrict what is found, with words and without', async () => {
  const category = `Category ${newId()}`
  const cheap = await offer({ category, priceMicros: 10_000n })
  const dear = await offer({ category, priceMicros: 30_000n })
  const fileUrl = 'https://seller.example/file'
  const file = await offer({ category, priceMicros: 20_000n, offerType: 'download', fileUrl })
  for (const text of [undefined, 'offer']) {
    const by = (query: Partial<OfferQuery>) => found({ category, text, sort: 'price', ...query })
    expect(await by({})).toEqual(ids(cheap, file, dear))
    expect(await by({ category: category.toUpperCase() })).toEqual(ids(cheap, file, dear))
    expect(await by({ offerType: 'download' })).toEqual(ids(file))
    expect(await by({ maxPriceMicros: 20_000n })).toEqual(ids(cheap, file))
    expect(await by({ sort: 'new' })).toEqual(ids(file, dear, cheap))
    expect(await by({ limit: 1 })).toEqual(ids(cheap))
  }
})

test.each([
  ['the beginning of a word', 'transl'],
  ['a part from within a word of the title', 'ranslator'],
  ['another form of an English word', 'documents'],
  ['a tag', 'legal'],
  ['words of title, description and tags together', 'legal docutranslator document'],
  ['upper case and accents', 'ÉTÉ'],
])('PA-23 a search finds %s', async (_what, text) => {
  const category = newId()
  const listed = await offer({
    category,
    title: 'DocuTranslator été',
    description: 'Turns each document into translated ones.',
    tags: ['legal'],
  })
  expect(await found({ text, category })).toEqual(ids(listed))
  expect(await found({ text: `${text} zzzabsent`, category })).toEqual([])
})

test('PA-23 words in the title weigh more than in the description, proven outcomes weigh too', async () => {
  const word = `W${newId().slice(-12)}`
  const inText = await offer({ description: `Something else that also does ${word}.` })
  const inTitle = await offer({ title: `The ${word} offer` })
  const proven = await offer({ title: `The ${word} offer` })
  await called(proven, [true, true])
  expect(await found({ text: word })).toEqual(ids(proven, inTitle, inText))
})

test.each(['%', '\\', "'", ':*', '& |', '()', '\u0000', '🚀', "'; drop table offer; --"])(
  'PA-23 searching for %j finds nothing and breaks nothing',
  async (text) => {
    expect(await found({ text, category: newId() })).toEqual([])
    expect(await found({ category: text })).toEqual([])
  },
)

interface Plan {
  readonly 'Index Name'?: string
  readonly Plans?: readonly Plan[]
}

const indexesOf = (plan: Plan): string[] => [
  ...(plan['Index Name'] ? [plan['Index Name']] : []),
  ...(plan.Plans ?? []).flatMap(indexesOf),
]

test.each([
  ['top', undefined, 'offer_stats_top'],
  ['price', undefined, 'offer_stats_price'],
  ['new', undefined, 'offer_stats_new'],
  ['top', 'download', 'offer_stats_download_top'],
  ['price', 'download', 'offer_stats_download_price'],
  ['new', 'download', 'offer_stats_download_new'],
] as const)('PA-22 the list by %s of type %s is read in order from its index', async (sort, offerType, index) => {
  const after = { key: 1n, id: newId() }
  for (const from of [{}, { after }]) {
    const plan = await database.store.snapshot(async (db) => {
      await db.rows(sql`select set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)`)
      let seen: Plan = {}
      const explaining: Pick<typeof db, 'rows' | 'one'> = {
        ...db,
        rows: async (statement) => {
          const asked = sql`explain (format json) ${statement}`
          const row = await db.one<{ 'QUERY PLAN': readonly { Plan: Plan }[] }>(asked)
          seen = row?.['QUERY PLAN'][0]?.Plan ?? {}
          return []
        },
      }
      await browseOffers(explaining, { sort, offerType, limit: 50, ...from })
      return seen
    })
    expect(indexesOf(plan)).toContain(index)
  }
})
