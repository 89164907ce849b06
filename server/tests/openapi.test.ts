import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { wireTypes } from '../../tools/sdk/wire-types.ts'
import { openWorld, type World } from './world.ts'

const SNAPSHOT = fileURLToPath(new URL('../openapi.json', import.meta.url))
const SDK_TYPES = fileURLToPath(new URL('../../sdk/src/wire.ts', import.meta.url))

let world: World
// biome-ignore lint/suspicious/noExplicitAny: a document of any shape
let document: any

beforeAll(async () => {
  world = await openWorld({ evm: true })
  document = { ...(await world.call('GET', '/openapi.json')).body, servers: [], info: { title: 'Souk', version: '' } }
})
afterAll(() => world.close())

type Operation = { summary?: string; tags?: string[]; responses?: object; security?: object[] }

function operations(): [string, Operation][] {
  return Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )
}

test('the wire is the one in server/openapi.json (UPDATE_OPENAPI=1 writes it and the types of the SDK anew)', () => {
  const text = `${JSON.stringify(document, null, 2)}\n`
  if (process.env['UPDATE_OPENAPI'] === '1' || !existsSync(SNAPSHOT)) {
    writeFileSync(SNAPSHOT, text)
    writeFileSync(SDK_TYPES, wireTypes(document))
  }
  expect(JSON.parse(readFileSync(SNAPSHOT, 'utf8'))).toEqual(document)
})

test('it is OpenAPI 3.1', () => {
  expect(document.openapi).toMatch(/^3\.1\./)
})

test('every operation says in a sentence what it does, and belongs to a group', () => {
  const silent = operations().filter(([, { summary, tags }]) => !summary || !tags?.length)
  expect(silent.map(([name]) => name)).toEqual([])
})

test('every operation describes what it answers', () => {
  const vague = operations().filter(([name, { responses }]) => !responses && !name.endsWith('/metrics'))
  expect(vague.map(([name]) => name)).toEqual([])
})

test('D-1 there are no HEAD routes', () => {
  expect(operations().filter(([name]) => name.startsWith('HEAD'))).toEqual([])
})

test('the reference is served and needs nothing from elsewhere', async () => {
  const page = await world.call('GET', '/docs')
  const target = page.status === 302 ? String(page.headers['location']) : '/docs'
  const html = String((await world.call('GET', new URL(target, 'http://x/docs/').pathname)).body)
  expect(html).toContain('swagger')
  expect(html).not.toMatch(/(src|href)="https?:/)
})

test('the welcome page and the list of errors are plain pages', async () => {
  for (const path of ['/', '/refusals']) {
    const page = await world.call('GET', path)
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.body).toContain('<h1>')
  }
})
