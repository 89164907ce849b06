import { randomBytes } from 'node:crypto'
import { addSeconds, DAY_SECONDS } from '#kernel/time'
import type { Db, Tx } from '#platform/db'
import { open, seal } from '#platform/sealing'
import { replaceWebhookSecret, selectWebhookSecrets } from './store.ts'

const PREFIX = 'whsec_'
const SECRET_BYTES = 32
const ROTATION_SECONDS = DAY_SECONDS

/** In the form of Standard Webhooks: `whsec_` and base64. */
export function makeWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

/** Bound to its party: a sealed secret copied into another row does not open. */
export function sealWebhookSecret(
  sealingKey: Uint8Array,
  { partyId, secret }: { partyId: string; secret: string },
): string {
  return seal(sealingKey, secret, contextOf(partyId))
}

/** What signs a party's webhooks: the newest first, and while it is being rotated the one before too (D-25). */
export async function webhookSecretsOf(
  db: Db,
  partyIds: readonly string[],
  sealingKey: Uint8Array,
): Promise<Map<string, readonly string[]>> {
  if (partyIds.length === 0) return new Map()
  const rows = await selectWebhookSecrets(db, partyIds)
  return new Map(
    rows.map(({ partyId, sealed, previousSealed }) => [
      partyId,
      [sealed, previousSealed].flatMap((text) => (text === null ? [] : [open(sealingKey, text, contextOf(partyId))])),
    ]),
  )
}

export interface RotatedSecret {
  /** Shown once. */
  readonly webhookSecret: string
  /** Until then the secret before signs as well. */
  readonly previousValidUntil: Date
}

export async function rotateWebhookSecret(
  tx: Tx,
  { partyId, sealingKey }: { partyId: string; sealingKey: Uint8Array },
): Promise<RotatedSecret> {
  const webhookSecret = makeWebhookSecret()
  const previousValidUntil = addSeconds(tx.now, ROTATION_SECONDS)
  const sealed = sealWebhookSecret(sealingKey, { partyId, secret: webhookSecret })
  await replaceWebhookSecret(tx, { partyId, sealed, previousValidUntil })
  return { webhookSecret, previousValidUntil }
}

function contextOf(partyId: string): string {
  return `webhook_secret ${partyId}`
}
