import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'

export interface Envelope {
  /** Stable over attempts, so that receivers can tell repetitions. */
  readonly id: string
  /** Of this attempt, on the real clock: receivers refuse what is older than five minutes. */
  readonly sentAt: Date
  readonly body: string
  /** The current secret first; every valid one signs, so that rotation loses nothing. */
  readonly secrets: readonly string[]
}

/** The headers of Standard Webhooks 1.0.0: HMAC-SHA256 of `id.timestamp.body` under the decoded bytes of the secret. */
export function standardHeaders({ id, sentAt, body, secrets }: Envelope): Record<string, string> {
  const timestamp = Math.floor(sentAt.getTime() / 1000)
  const sign = (secret: string) =>
    createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': secrets.map((secret) => `v1,${sign(secret)}`).join(' '),
  }
}

function keyOf(secret: string): Buffer {
  if (!secret.startsWith(PREFIX)) throw new Error(`webhooks: a secret does not begin with ${PREFIX}`)
  return Buffer.from(secret.slice(PREFIX.length), 'base64')
}
