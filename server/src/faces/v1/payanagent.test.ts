import pino from 'pino'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { buildHttp, type Http } from '#platform/http/app'
import { DEFAULT_LIMITS } from '#platform/http/limits'
import { IdParams, limitOf, payanRules } from './payanagent.ts'

let app: Http

beforeAll(async () => {
  app = await buildHttp({
    log: pino({ level: 'silent' }),
    publicUrl: 'http://localhost:3000',
    version: '0.0.0',
    authenticate: async () => undefined,
    operatorKey: 'op',
    limits: { ...DEFAULT_LIMITS, payanPublic: { requests: 12, seconds: 60 } },
    trustProxy: false,
  })
  const Body = Type.Object({ tags: Type.Array(Type.String()), name: Type.String() }, { additionalProperties: false })
  app.get('/keyed', { config: payanRules({ auth: 'key' }) }, async () => ({}))
  app.get('/things/:id', { config: payanRules({ auth: 'public' }), schema: { params: IdParams } }, async () => ({}))
  app.post('/things', { config: payanRules({ auth: 'public' }), schema: { body: Body } }, async () => ({}))
})
afterAll(() => app.close())

interface Ask {
  readonly method?: 'GET' | 'POST'
  readonly payload?: object
  readonly headers?: Record<string, string>
}

const ask = async (url: string, { method = 'GET', ...more }: Ask = {}) => {
  const reply = await app.inject({ method, url, ...more })
  return { status: reply.statusCode, body: reply.json(), headers: reply.headers }
}

test('PA-63 without a key, or with an unknown one, the contract says what to send', async () => {
  for (const key of ['', 'pk_live_nobody']) {
    const { status, body } = await ask('/keyed', key ? { headers: { authorization: `Bearer ${key}` } } : {})
    expect(status).toBe(401)
    expect(body).toMatchObject({
      error: 'Unauthorized. Provide a valid API key in Authorization: Bearer <key>',
      fix: expect.stringMatching(/key/i),
    })
  }
})

test('PA-63 a body at fault is told field by field, as path and message', async () => {
  const { status, body } = await ask('/things', { method: 'POST', payload: { tags: ['a', 1], other: true } })
  expect(status).toBe(400)
  expect(body).toMatchObject({
    error: 'Validation failed',
    code: 'invalid_request',
    details: ['name: is required', 'other: is not known here', 'tags.1: must be string'],
  })
  const nothing = await ask('/things', { method: 'POST', payload: [] })
  expect(nothing.body).toMatchObject({ details: ['body: must be object'] })
})

test('PA-63 what is no id at all is a 400', async () => {
  expect((await ask(`/things/${newId()}`)).status).toBe(200)
  expect(await ask('/things/k57abc')).toMatchObject({
    status: 400,
    body: { details: ['id: must match format "uuid"'] },
  })
})

test.each([
  ['', 50],
  ['7', 7],
  ['0', 1],
  ['-3', 1],
  ['200', 200],
  ['999999999999999999999', 200],
  ['ten', 50],
  ['1.5', 50],
])('PA-63 a limit of %j means %i', (limit, meant) => {
  expect(limitOf({ limit })).toBe(meant)
})

test('PA-61 more public requests than an address may send are 429, with the time to wait', async () => {
  const statuses = []
  for (let i = 0; i < 13; i++) statuses.push((await ask('/things', { method: 'POST', payload: {} })).status)
  const { status, body, headers } = await ask('/things', { method: 'POST', payload: {} })
  expect([statuses[0], status]).toEqual([400, 429])
  expect(body).toMatchObject({ error: 'Rate limit exceeded' })
  expect(Number(headers['retry-after'])).toBeGreaterThan(0)
})

test('PA-17, PA-61, PA-62 the limits are those of the contract', () => {
  expect(DEFAULT_LIMITS).toMatchObject({
    payanRegister: { requests: 5, seconds: 3600 },
    payanPublic: { requests: 30, seconds: 60 },
    payanKey: { requests: 120, seconds: 60 },
  })
})
