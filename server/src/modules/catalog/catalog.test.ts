import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  catalogStats,
  checkChanges,
  checkService,
  type DiscoverFilters,
  deactivateService,
  discoverServices,
  listService,
  noteTrust,
  type Service,
  type ServiceChanges,
  type ServiceDraft,
  serviceById,
  servicesById,
  standingsOf,
  updateService,
} from '#catalog'
import { newId } from '#kernel/id'
import { readerSweep, registerReaders } from '#platform/outbox'
import { createSchemaValidator, type SchemaValidator } from '#platform/strangers-schema/index'
import { openTestDatabase, type TestDatabase } from '#tests/database'

let database: TestDatabase
let validator: SchemaValidator

beforeAll(async () => {
  database = await openTestDatabase()
  validator = createSchemaValidator()
  await registerReaders(database.store, [catalogStats])
})
afterAll(async () => {
  await validator.close()
  await database.close()
})

const ANNOUNCED = { type: 'object', required: ['text'], properties: { text: { type: 'string' } } }

async function offer(draft: Partial<ServiceDraft> = {}, ownerId = newId()): Promise<Service> {
  const described = { description: 'Does what it says.', inputSchema: ANNOUNCED, outputSchema: { type: 'object' } }
  const whole = { name: 'A service', category: newId(), priceMicros: 1000n, ...described, ...draft }
  const service = await checkService(whole, { validator })
  return database.store.transact((tx) => listService(tx, { ownerId, service }))
}

async function change(service: Service, changes: ServiceChanges, by = service.ownerId): Promise<Service> {
  const checked = await checkChanges(changes, { service, validator })
  return database.store.transact((tx) => updateService(tx, { serviceId: service.id, by, changes: checked }))
}

async function found(filters: DiscoverFilters): Promise<string[]> {
  const page = await discoverServices(database.store.read, { filters, page: { page: 1, limit: 100 } })
  expect(page.total).toBe(page.items.length)
  return page.items.map(({ id }) => id)
}

async function happened(name: string, payload: object): Promise<void> {
  await database.store.transact(async (tx) => tx.emit({ name, subject: newId(), payload }))
  await expect.poll(readerSweep(database.store, catalogStats).run).toBe(0)
}

const completed = ({ id, ownerId }: Service, more: object = {}) =>
  happened('order.completed', { form: 'direct', listingId: id, sellerId: ownerId, ...more })
const rated = ({ id, ownerId }: Service, score: number, more: object = {}) =>
  happened('order.rated', { form: 'direct', listingId: id, sellerId: ownerId, ratedId: ownerId, score, ...more })

test('a service is read back as it was listed, schemas in the order they were written', async () => {
  const inputSchema = { type: 'object', properties: { z: { type: 'number' }, a: { const: 1e21 } } }
  const service = await offer({ inputSchema, minClientTrust: 0.12345, exampleOutput: { b: 1, a: [null] } })
  const read = await serviceById(database.store.read, service.id)
  expect(read).toEqual(service)
  expect(JSON.stringify(read?.inputSchema)).toBe(JSON.stringify(inputSchema))
  expect(service).toMatchObject({ version: 1, active: true, exampleInput: null })
})

test('many services come in one question, unknown and malformed ids are left out', async () => {
  const [one, two] = [await offer(), await offer()]
  const services = await servicesById(database.store.read, [one.id, two.id, newId(), "'; --"])
  expect(services).toEqual(new Map([one, two].map((service) => [service.id, service])))
})

test('every change makes a new version', async () => {
  const service = await offer({ model: 'm-1' })
  const changed = await change(service, { priceMicros: 7n, model: null })
  expect(changed).toEqual({ ...service, priceMicros: 7n, model: null, version: 2, updatedAt: changed.updatedAt })
  expect(await serviceById(database.store.read, service.id)).toEqual(changed)
})

test('of two changes checked against the same schemas only one is made', async () => {
  const service = await offer()
  const checked = await checkChanges({ exampleInput: { text: 'x' } }, { service, validator })
  await change(service, { inputSchema: { type: 'object', required: ['other'] } })
  const late = database.store.transact((tx) =>
    updateService(tx, { serviceId: service.id, by: service.ownerId, changes: checked }),
  )
  await expect(late).rejects.toMatchObject({ code: 'service_edited' })
})

test('changes that touch no schema do not stand in each other’s way', async () => {
  const service = await offer()
  await Promise.all([change(service, { priceMicros: 5n }), change(service, { autoAccept: false })])
  const read = await serviceById(database.store.read, service.id)
  expect(read).toMatchObject({ priceMicros: 5n, autoAccept: false, version: 3 })
})

test('JP-40 examples must satisfy the schemas, also those a change leaves as they are', async () => {
  await expect(offer({ exampleInput: { text: 1 } })).rejects.toMatchObject({
    code: 'service_invalid',
    details: { field: 'exampleInput', errors: [expect.stringContaining('/text')] },
  })
  const service = await offer({ exampleInput: { text: 'x' } })
  const stricter = { ...ANNOUNCED, required: ['text', 'language'] }
  await expect(change(service, { inputSchema: stricter })).rejects.toMatchObject({ details: { field: 'exampleInput' } })
  await expect(change(service, { inputSchema: stricter, exampleInput: null })).resolves.toMatchObject({ version: 2 })
})

test('JP-51 deactivating twice is deactivating once, and a change may list it again', async () => {
  const service = await offer()
  const { category } = service
  const deactivate = () =>
    database.store.transact((tx) => deactivateService(tx, { serviceId: service.id, by: service.ownerId }))
  expect([(await deactivate()).version, (await deactivate()).version]).toEqual([2, 2])
  expect(await found({ category })).toEqual([])
  expect(await found({ search: service.name, category })).toEqual([])
  await change({ ...service, version: 2 }, { active: true })
  expect(await found({ category })).toEqual([service.id])
})

test('completed direct jobs are counted, each once, and nothing else', async () => {
  const service = await offer()
  await completed(service)
  await completed(service)
  await completed(service, { form: 'campaign' })
  await completed(service, { listingId: null })
  await completed(service, { listingId: 'not-an-id' })
  const standings = await standingsOf(database.store.read, [service.id])
  expect(standings.get(service.id)).toEqual({ completedJobs: 2, ratingAverage: null, ratingCount: 0 })
})

test('ratings of the seller are counted, ratings of the buyer are not', async () => {
  const service = await offer()
  for (const score of [5, 4, 4]) await rated(service, score)
  await rated(service, 1, { ratedId: newId() })
  const standings = await standingsOf(database.store.read, [service.id])
  expect(standings.get(service.id)).toEqual({ completedJobs: 0, ratingAverage: 4.33, ratingCount: 3 })
})

test('JP-55 without sortBy higher trust, better ratings and more jobs come first, then the newest', async () => {
  const category = newId()
  const plain = await offer({ category })
  const trusted = await offer({ category })
  const praised = await offer({ category })
  const seasoned = await offer({ category })
  const newest = await offer({ category })
  await database.store.transact((tx) => noteTrust(tx, { scores: [{ ownerId: trusted.ownerId, score: 1 }] }))
  await rated(praised, 5)
  await completed(seasoned)
  expect(await found({ category })).toEqual([trusted, praised, seasoned, newest, plain].map(({ id }) => id))
})

test('JP-55 a search weighs trust too, and a new service begins with the trust of its owner', async () => {
  const name = `Word${newId().replaceAll('-', '')}`
  const owner = newId()
  await database.store.transact((tx) => noteTrust(tx, { scores: [{ ownerId: owner, score: 0.95 }] }))
  const trusted = await offer({ name }, owner)
  const plain = await offer({ name })
  const distrusted = await offer({ name })
  await database.store.transact((tx) => noteTrust(tx, { scores: [{ ownerId: distrusted.ownerId, score: 0.1 }] }))
  expect(await found({ search: name })).toEqual([trusted, plain, distrusted].map(({ id }) => id))
})

test('a match in the name ranks before one in the description', async () => {
  const word = `W${newId().slice(-12)}`
  const inText = await offer({ description: `Something else that also does ${word}.` })
  const inName = await offer({ name: `The ${word} service` })
  await offer({ name: 'Neither', description: 'Nothing of that kind.' })
  expect(await found({ search: word })).toEqual([inName.id, inText.id])
})

test.each([
  ['the beginning of a word', 'summar'],
  ['a part from within a word of the name', 'marizer'],
  ['another form of an English word', 'documents'],
  ['the parts of a hyphenated word', 'gpt-4o'],
  ['several words anywhere', 'invoices document'],
  ['a script without spaces', '生成'],
  ['upper case and accents', 'ÉTÉ'],
])('JP-53 search finds %s', async (_what, search) => {
  const category = newId()
  const service = await offer({
    category,
    name: 'DocuSummarizer gpt-4o 画像生成 été',
    description: 'Turns each document into three lines, invoices too.',
  })
  expect(await found({ search, category })).toEqual([service.id])
  expect(await found({ search: `${search} zzzabsent`, category })).toEqual([])
})

test.each(['%', '_', '\\', "'", '"', ':*', '& |', '!', '<->', '()', '\u0000', '🚀', "'; drop table service; --"])(
  'JP-53 searching for %j finds nothing and breaks nothing',
  async (search) => {
    expect(await found({ search, category: newId() })).toEqual([])
    expect(await found({ category: search, tags: [search] })).toEqual([])
  },
)
