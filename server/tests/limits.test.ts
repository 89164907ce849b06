import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { limitsOf } from '#main/limits'
import { openWorld, type World } from './world.ts'

const LIMITS = {
  key: { max: 5, windowSeconds: 60 },
  address: { max: 4, windowSeconds: 60 },
  register: { max: 3, windowSeconds: 3600 },
}

let world: World
beforeAll(async () => {
  world = await openWorld({ limits: JSON.stringify(LIMITS) })
})
afterAll(() => world.close())

const from = (remoteAddress: string, options: { url?: string; headers?: Record<string, string> } = {}) =>
  world.souk.http.inject({ method: 'GET', url: '/api/v1/services/categories', remoteAddress, ...options })
const register = (remoteAddress: string, name: string) =>
  world.souk.http.inject({
    method: 'POST',
    url: '/api/v1/auth/register',
    remoteAddress,
    headers: { 'content-type': 'application/json' },
    payload: { name },
  })

describe('JP-172 every route is limited', () => {
  test('without a key by address, with RateLimit headers on every answer and Retry-After on the last', async () => {
    const answers = []
    for (let i = 0; i < 5; i++) answers.push(await from('198.51.100.7'))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 429])
    expect(answers[0]?.headers['ratelimit-policy']).toBe('"address";q=4;w=60')
    expect(answers[0]?.headers['ratelimit']).toMatch(/^"address";r=3;t=\d+$/)
    const last = answers[4]
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0)
    expect(last?.json()).toMatchObject({ code: 'too_many_requests', status: 429 })
    expect((await from('198.51.100.8')).statusCode).toBe(200)
  })

  test('a made-up X-Forwarded-For resets nothing', async () => {
    for (let i = 0; i < 4; i++) await from('198.51.100.9')
    const spoofed = await from('198.51.100.9', { headers: { 'x-forwarded-for': '203.0.113.5' } })
    expect(spoofed.statusCode).toBe(429)
  })

  test('an IPv6 customer has one budget for its whole /64', async () => {
    for (let i = 1; i <= 4; i++) await from(`2001:db8:1:2::${i}`)
    expect((await from('2001:db8:1:2:ffff::9')).statusCode).toBe(429)
    expect((await from('2001:db8:1:3::9')).statusCode).toBe(200)
  })

  test('with a key by key, whatever the address', async () => {
    const { apiKey } = (await register('198.51.100.20', 'keyed')).json()
    const headers = { authorization: `Bearer ${apiKey}` }
    const statuses = []
    for (let i = 0; i < 6; i++) {
      statuses.push((await from(`198.51.100.${30 + i}`, { url: '/api/v1/auth/verify', headers })).statusCode)
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
  })

  test('also where the key may not do what it asks', async () => {
    const { apiKey } = (await register('198.51.100.21', 'not-activated')).json()
    const headers = { authorization: `Bearer ${apiKey}` }
    const statuses = []
    for (let i = 0; i < 6; i++)
      statuses.push((await from('198.51.100.21', { url: '/api/v1/jobs', headers })).statusCode)
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429])
  })

  test('guessing keys is counted by address', async () => {
    const headers = { authorization: 'Bearer jp_guess' }
    const statuses = []
    for (let i = 0; i < 5; i++) {
      statuses.push((await from('198.51.100.50', { url: '/api/v1/auth/verify', headers })).statusCode)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 429])
  })

  test('registration has a narrower limit of its own', async () => {
    const statuses = []
    for (let i = 0; i < 4; i++) statuses.push((await register('198.51.100.60', `newcomer-${i}`)).statusCode)
    expect(statuses).toEqual([201, 201, 201, 429])
  })

  test('unknown paths are limited too', async () => {
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push((await from('198.51.100.70', { url: '/nothing' })).statusCode)
    expect(statuses).toEqual([404, 404, 404, 404, 429])
  })
})

test('D-2 every key works in either header form', async () => {
  const { apiKey, agentId } = (await register('198.51.100.80', 'two-forms')).json()
  for (const headers of [{ authorization: `bearer ${apiKey}` }, { 'x-api-key': apiKey }]) {
    const verified = await from('198.51.100.81', { url: '/api/v1/auth/verify', headers })
    expect(verified.json()).toMatchObject({ valid: true, agentId })
  }
})

test('a limit nobody knows is a fault that names those there are', () => {
  const overrides = { nothing: { max: 1, windowSeconds: 1 } }
  expect(() => limitsOf({ limits: { enabled: true, overrides } })).toThrow(/nothing.*register/s)
})

test('health is never limited: whoever watches asks often', async () => {
  for (let i = 0; i < 10; i++) expect((await from('198.51.100.90', { url: '/health' })).statusCode).toBe(200)
})
