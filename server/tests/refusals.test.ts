import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { openWorld, type TestAgent, type World } from './world.ts'

let world: World
let agent: TestAgent
let other: TestAgent
beforeAll(async () => {
  world = await openWorld()
  agent = await world.agent({ funds: 10_000_000n })
  other = await world.agent({ funds: 0n })
})
afterAll(() => world.close())

const cases: [
  code: string,
  status: number,
  ask: () => Promise<{ status: number; body: { code: string; fix: string } }>,
][] = [
  ['no_such_path', 404, () => agent.get('/api/v1/nothing')],
  ['operator_only', 403, () => agent.get('/api/v1/admin/audit')],
  ['amount_invalid', 400, () => agent.post('/api/v1/wallet/withdraw', { amount: '9999999999999999' })],
  ['withdrawal_unknown', 404, () => agent.get(`/api/v1/wallet/withdrawals/${newId()}`)],
  ['withdrawal_unknown', 404, () => agent.post('/api/v1/wallet/withdrawals/no-id/cancel')],
  [
    'idempotency_key_invalid',
    400,
    () => agent.post('/api/v1/wallet/panic', {}, { 'idempotency-key': 'x'.repeat(256) }),
  ],
  [
    'idempotency_key_invalid',
    400,
    () =>
      world.call('POST', '/api/v1/auth/register', {
        body: { name: 'short-claim' },
        headers: { 'idempotency-key': '1' },
      }),
  ],
  [
    'finding_unknown',
    404,
    () =>
      world.call('POST', `/api/v1/admin/findings/${newId()}/resolve`, {
        key: world.operatorKey,
        body: { note: 'seen' },
      }),
  ],
  [
    'not_service_owner',
    403,
    async () => other.patch(`/api/v1/services/${await world.service(agent)}`, { description: 'Not mine at all' }),
  ],
  [
    'scope_missing',
    403,
    async () => {
      const { apiKey } = (await agent.post('/api/v1/auth/keys', { name: 'reader', scopes: ['read'] })).body
      return world.call('POST', '/api/v1/wallet/withdraw', { key: apiKey, body: { amount: 5_000_000 } })
    },
  ],
]

test.each(cases)('%s is a %i that says how to mend it', async (code, status, ask) => {
  const refused = await ask()
  expect([refused.status, refused.body.code]).toEqual([status, code])
  expect(refused.body.fix).toMatch(/\w{3,}/)
})
