import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { standardHeaders } from './signature.ts'

const OLD = `whsec_${Buffer.from('the old secret, 32 bytes long ok').toString('base64')}`
const NEW = `whsec_${Buffer.from('the new secret, 32 bytes long ok').toString('base64')}`

function envelope(secrets: readonly string[], body = '{"type":"job.created"}') {
  const id = '0197b0a0-0000-7000-8000-000000000001'
  return { body, headers: standardHeaders({ id, sentAt: new Date(), body, secrets }) }
}

describe('signatures of Standard Webhooks', () => {
  it('D-25 verify with the reference library', () => {
    const { body, headers } = envelope([NEW])
    expect(new Webhook(NEW).verify(body, headers)).toEqual({ type: 'job.created' })
  })

  it('D-25 while rotating, the new and the old secret verify', () => {
    const { body, headers } = envelope([NEW, OLD])
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(2)
    new Webhook(NEW).verify(body, headers)
    new Webhook(OLD).verify(body, headers)
  })

  it('D-25 nothing verifies with another body, id, time or secret', () => {
    const { body, headers } = envelope([NEW])
    const webhook = new Webhook(NEW)
    const later = String(Number(headers['webhook-timestamp']) + 1)
    expect(() => webhook.verify(body.replace('created', 'deleted'), headers)).toThrow()
    expect(() => webhook.verify(body, { ...headers, 'webhook-id': 'other' })).toThrow()
    expect(() => webhook.verify(body, { ...headers, 'webhook-timestamp': later })).toThrow()
    expect(() => new Webhook(OLD).verify(body, headers)).toThrow()
  })

  it('signs text beyond ASCII as its UTF-8 bytes', () => {
    const { body, headers } = envelope([NEW], '{"type":"söuk ☕ 🛒"}')
    expect(new Webhook(NEW).verify(Buffer.from(body), headers)).toEqual({ type: 'söuk ☕ 🛒' })
  })
})
