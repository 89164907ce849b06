import { createWallet, faucet } from '@souk/devchain/evm'
import { HTTPFacilitatorClient } from '@x402/core/server'
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import {
  type DiscoveryExtension,
  sanitizeResourceServiceMetadata,
  validateDiscoveryExtension,
  validateDiscoveryExtensionSpec,
  withBazaar,
} from '@x402/extensions/bazaar'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { getAddress, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EVM_NETWORK, TOKEN } from '#tests/evm-payments'
import { type OpenSeller, startSeller } from '#tests/seller'
import { openWorld, type World } from '#tests/world'

let world: World
let endpoint: OpenSeller
let agents: { key: string; wallet: Hex }[]

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  endpoint = await startSeller((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"loud":"HELLO"}')
  })
  agents = await Promise.all(['Shouter', 'Other'].map(sellingAgent))
})
afterAll(async () => {
  await world.close()
  endpoint.close()
})

async function sellingAgent(name: string) {
  const wallet = getAddress((await createWallet()).address)
  const { body } = await world.call('POST', '/api/v1/agents', {
    body: { name, description: 'Sells.', walletAddress: wallet },
  })
  return { key: body.apiKey as string, wallet }
}

async function offer(fields: object = {}, key = agents[0]?.key ?? ''): Promise<string> {
  const { status, body } = await world.call('POST', '/api/v1/offers', {
    key,
    body: {
      ...{ title: 'Shout', description: 'Says it louder.', category: 'text', priceCents: 1, offerType: 'api' },
      ...{ endpoint: `${endpoint.url}/shout`, httpMethod: 'POST', ...fields },
    },
  })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return body.offerId
}

async function challengeOf(id: string) {
  const { headers } = await world.call('GET', `/x402/${id}`)
  const header = String(headers['payment-required'])
  return { header, required: JSON.parse(Buffer.from(header, 'base64').toString()) }
}

const client = (path = '/facilitator') =>
  withBazaar(new HTTPFacilitatorClient({ url: world.url + path })).extensions.bazaar

const expectValid = (extension: DiscoveryExtension) => {
  expect(validateDiscoveryExtensionSpec(extension as unknown as Record<string, unknown>)).toEqual({ valid: true })
  expect(validateDiscoveryExtension(extension)).toEqual({ valid: true })
}

const NAMED = { type: 'object', properties: { text: { type: 'string', minLength: 3 } }, required: ['text'] }
const REFERRING = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $defs: { words: { type: 'array', items: { type: 'string' }, minItems: 2 } },
  ...{ type: 'object', properties: { words: { $ref: '#/$defs/words' }, kind: { enum: ['$ref', 'b'] } } },
  required: ['words', 'kind'],
}
/** No small example comes to mind. */
const PATTERNED = {
  ...{ type: 'object', $defs: { sku: { type: 'string', pattern: '^[A-Z]{3}-\\d{4}$' } } },
  ...{ properties: { sku: { $ref: '#/$defs/sku' } }, required: ['sku'] },
}

test('every 402 says how the resource is called, and the field’s own package finds nothing wrong with it', async () => {
  const file = { offerType: 'download', fileUrl: `${endpoint.url}/file`, endpoint: null }
  const kinds = [
    [
      { inputSchema: NAMED, outputSchema: NAMED },
      { method: 'POST', bodyType: 'json', body: { text: 'xxx' } },
    ],
    [
      { inputSchema: NAMED, httpMethod: 'GET' },
      { method: 'GET', queryParams: { text: 'xxx' } },
    ],
    [
      { inputSchema: NAMED, httpMethod: 'DELETE' },
      { method: 'GET', queryParams: { text: 'xxx' } },
    ],
    [
      { inputSchema: PATTERNED, outputSchema: REFERRING },
      { method: 'POST', body: {} },
    ],
    [{ inputSchema: PATTERNED, httpMethod: 'GET' }, { method: 'GET' }],
    [{ inputSchema: REFERRING }, { method: 'POST' }],
    [{}, { method: 'POST', body: {} }],
    [file, { method: 'POST', body: {} }],
  ] as const
  for (const [fields, input] of kinds) {
    const { required } = await challengeOf(await offer(fields))
    expectValid(required.extensions.bazaar)
    expect(required.extensions.bazaar.info.input).toMatchObject({ type: 'http', ...input })
    expect(required.resource).toMatchObject({ serviceName: 'Shout', mimeType: 'application/json' })
  }
  const { required } = await challengeOf(await offer({ inputSchema: NAMED, outputSchema: NAMED }))
  expect(required.extensions.bazaar.schema.properties.input.properties.body).toEqual(NAMED)
  expect(required.extensions.bazaar.schema.properties.output.properties.example).toEqual(NAMED)
})

test('what a resource says of itself keeps to the standard: 32 printable characters, five tags', async () => {
  const tags = ['plain', 'x'.repeat(40), 'schön', 'two', 'three', 'four', 'five', 'six']
  const { required } = await challengeOf(await offer({ title: `Über ${'long '.repeat(20)}`, tags }))
  const { serviceName, tags: shown } = sanitizeResourceServiceMetadata(required.resource)
  expect(serviceName).toBe('Uber long long long long long lo')
  expect(shown).toEqual(['plain', 'two', 'three', 'four', 'five'])
  expect(required.resource).toMatchObject({ serviceName, tags: shown })
})

test('a long schema stands in the lists and not in the header, which clients and proxies must be able to carry', async () => {
  const properties = Object.fromEntries(
    Array.from({ length: 200 }, (_, n) => [`field${n}`, { type: 'string', description: 'x'.repeat(100) }]),
  )
  const inputSchema = { type: 'object', properties, required: ['field7'] }
  const id = await offer({ inputSchema, title: 'Longwinded' })
  const { header, required } = await challengeOf(id)
  expect(header.length).toBeLessThan(8000)
  expectValid(required.extensions.bazaar)
  const { resources } = await client().search({ query: 'longwinded' })
  const extension = resources[0]?.extensions?.['bazaar'] as DiscoveryExtension
  expectValid(extension)
  expect(extension.schema.properties.input.properties).toMatchObject({ body: inputSchema })
})

test('the field’s own client lists what can be bought, page by page, and its filters filter', async () => {
  const [, other] = agents
  if (!other) throw new Error('no agent')
  const mine = await offer({ title: 'Of the other', priceCents: 25, tags: ['loud'], inputSchema: NAMED }, other.key)
  const listing = await client('').listResources({ payTo: other.wallet })
  expect(listing.pagination).toEqual({ limit: 20, offset: 0, total: 1 })
  expect(listing.items).toEqual([
    {
      ...{ resource: `${world.url}/x402/${mine}`, type: 'http', x402Version: 2, mimeType: 'application/json' },
      accepts: [
        {
          ...{ scheme: 'exact', network: EVM_NETWORK, amount: '250000', asset: TOKEN.address, payTo: other.wallet },
          ...{ maxTimeoutSeconds: 60, extra: { name: 'USDC', version: '2', paymentFlow: 'authorization' } },
        },
      ],
      ...{ lastUpdated: expect.stringMatching(/^\d{4}-.*Z$/), description: 'Says it louder.' },
      ...{ serviceName: 'Of the other', tags: ['loud'] },
      extensions: { bazaar: { info: expect.anything(), schema: expect.anything() } },
      metadata: { offerId: mine, title: 'Of the other', category: 'text', priceUsd: 0.25 },
    },
  ])
  const { accepts } = (await challengeOf(mine)).required
  expect(listing.items[0]?.accepts).toEqual(accepts)

  const everything = await client().listResources({ limit: 100 })
  const pages = []
  for (let offset = 0; offset < everything.pagination.total; offset += 3)
    pages.push(...(await client().listResources({ limit: 3, offset })).items)
  expect(pages).toEqual(everything.items)
  const behind = await client().listResources({ offset: 1000 })
  expect(behind).toMatchObject({ items: [], pagination: { total: everything.pagination.total } })

  const totalWith = async (filter: object) => (await client().listResources(filter)).pagination.total
  const fitting = { type: 'http', scheme: 'exact', network: EVM_NETWORK, extensions: 'bazaar' }
  expect(await totalWith(fitting)).toBe(everything.pagination.total)
  for (const none of [
    { type: 'mcp' },
    { scheme: 'upto' },
    { network: 'eip155:1' },
    { extensions: 'x' },
    { payTo: '0x0' },
  ])
    expect(await totalWith(none)).toBe(0)
  for (const [asked, brought] of [
    ['0', 1],
    ['1000', 100],
    ['many', 20],
  ] as const) {
    const { body } = await world.call('GET', `/discovery/resources?limit=${asked}&offset=-1`)
    expect(body.pagination).toMatchObject({ limit: brought, offset: 0 })
  }
})

test('neither what was taken off the market is listed, nor what nobody can be paid for', async () => {
  const gone = await offer({ title: 'Gone zebra' })
  await world.call('DELETE', `/api/v1/offers/${gone}`, { key: agents[0]?.key ?? '' })
  const walletless = await world.agent({ funds: 0n })
  await offer({ title: 'Unpayable zebra' }, walletless.key)
  const kept = await offer({ title: 'Payable zebra' })
  const { resources } = await client().search({ query: 'zebra' })
  expect(resources.map(({ resource }) => resource)).toEqual([`${world.url}/x402/${kept}`])
})

test('the search answers page by page, each page behind the one before', async () => {
  const ids = new Set<string>()
  for (let n = 0; n < 7; n++) ids.add(await offer({ title: n % 2 ? 'Giraffe' : 'Feeds a giraffe and others' }))
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await client().search({ query: 'giraffe', limit: 3, ...(cursor ? { cursor } : {}) })
    seen.push(...page.resources.map(({ resource }) => resource.split('/').at(-1) ?? ''))
    cursor = page.pagination?.cursor ?? undefined
    expect(page.partialResults).toBe(cursor !== undefined)
  } while (cursor)
  expect([seen.length, new Set(seen)]).toEqual([7, ids])
  expect((await client().search({ query: '!!!' })).resources).toEqual([])
  expect((await world.call('GET', '/discovery/search?query=x&cursor=none')).status).toBe(400)
  expect((await world.call('GET', '/discovery/search')).status).toBe(400)
})

test('/.well-known/x402 and x402.json name the same resources', async () => {
  const names = await world.call('GET', '/.well-known/x402')
  const whole = await world.call('GET', '/.well-known/x402.json')
  expect(names.body).toMatchObject({ version: 1, x402Version: 2, instructions: expect.stringContaining('402') })
  expect(whole.body.items.map(({ resource }: { resource: string }) => resource)).toEqual(names.body.resources)
  const { items } = await client().listResources({ limit: 100 })
  expect(whole.body.items[0]).toMatchObject({ resource: items[0]?.resource, accepts: items[0]?.accepts })
  expect(whole.body.items[0].input).toMatchObject({ type: 'http' })
})

test('PA-3 a stock client buys what it has found in the list', async () => {
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount: 1_000_000n })
  const scheme = new ExactEvmScheme(privateKeyToAccount(secretKey as Hex))
  const pay = wrapFetchWithPayment(fetch, new x402Client().register(EVM_NETWORK as Network, scheme))
  await offer({ title: 'Findable wombat', inputSchema: NAMED })
  const [found] = (await client().search({ query: 'wombat' })).resources
  if (!found) throw new Error('nothing found')
  const { bazaar } = found.extensions as { bazaar: { info: { input: { method: string; body: object } } } }
  const { method, body } = bazaar.info.input
  const headers = { 'content-type': 'application/json' }
  const answer = await pay(found.resource, { method, headers, body: JSON.stringify(body) })
  expect([answer.status, await answer.json()]).toEqual([200, { loud: 'HELLO' }])
})
