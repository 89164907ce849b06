import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { verifyJustPayAISignature, verifyWebhook } from './webhook.ts'

const secret = `whsec_${Buffer.from('a secret of more than twenty-four bytes').toString('base64')}`
const other = `whsec_${Buffer.from('another one of more than twenty-four bytes').toString('base64')}`
const body =
  '{"type":"job.delivered","event":"job.delivered","timestamp":"2026-11-22T10:00:00.000Z","data":{"jobId":"ä1"}}'

/** Signed by the standard's own library. */
function headersOf({ by = secret, at = new Date(), of = body }: { by?: string; at?: Date; of?: string } = {}) {
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(by).sign('msg_1', at, of),
  }
}

test('D-25 what the standard’s library signs is verified, whatever the headers come in', async () => {
  const headers = headersOf()
  const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]))
  for (const each of [headers, upper, new Headers(headers)])
    expect(await verifyWebhook({ body, headers: each, secret })).toMatchObject({
      ...{ id: 'msg_1', type: 'job.delivered', timestamp: '2026-11-22T10:00:00.000Z', data: { jobId: 'ä1' } },
    })
  expect((await verifyWebhook({ body: Buffer.from(body), headers, secret })).id).toBe('msg_1')
})

test('D-25 while rotating, either secret will do, on either side', async () => {
  expect((await verifyWebhook({ body, headers: headersOf(), secret: [other, secret] })).id).toBe('msg_1')
  const both = {
    ...headersOf(),
    'webhook-signature': `${new Webhook(other).sign('msg_1', new Date(), body)} v1a,x ${headersOf()['webhook-signature']}`,
  }
  expect((await verifyWebhook({ body, headers: both, secret })).id).toBe('msg_1')
})

test.each<[string, object]>([
  ['another body', { body: body.replace('ä1', 'ä2') }],
  ['another id', { headers: { ...headersOf(), 'webhook-id': 'msg_2' } }],
  ['another time', { headers: { ...headersOf(), 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 2) } }],
  ['another secret', { headers: headersOf({ by: other }) }],
  ['what is older than five minutes', { headers: headersOf({ at: new Date(Date.now() - 301_000) }) }],
  ['what comes from the future', { headers: headersOf({ at: new Date(Date.now() + 303_000) }) }],
  ['a time that is none', { headers: { ...headersOf(), 'webhook-timestamp': 'NaN' } }],
  ['no signature', { headers: { ...headersOf(), 'webhook-signature': '' } }],
  ['a signature that is no base64', { headers: { ...headersOf(), 'webhook-signature': 'v1,!!!' } }],
  ['no headers', { headers: {} }],
  ['what is no JSON', { body: 'hi', headers: headersOf({ of: 'hi' }) }],
])('D-25 %s is refused', async (_, change) => {
  await expect(verifyWebhook({ body, headers: headersOf(), secret, ...change })).rejects.toThrow(
    expect.objectContaining({ name: 'WebhookError' }),
  )
})

test('JP-169 the contract’s own signature: hex HMAC of the raw body under the whole secret', async () => {
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  expect(await verifyJustPayAISignature({ body, signature, secret })).toBe(true)
  expect(await verifyJustPayAISignature({ body: Buffer.from(body), signature: signature.toUpperCase(), secret })).toBe(
    true,
  )
  for (const wrong of [signature.replace(/.$/, (last) => (last === '0' ? '1' : '0')), signature.slice(2), '', 'xyz'])
    expect(await verifyJustPayAISignature({ body, signature: wrong, secret })).toBe(false)
  expect(await verifyJustPayAISignature({ body: `${body} `, signature, secret })).toBe(false)
})
