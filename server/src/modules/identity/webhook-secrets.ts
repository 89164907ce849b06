import { randomBytes } from 'node:crypto'
import { addSeconds, DAY_SECONDS } from '#kernel/time'
import type { Db, Tx } from '#platform/db'
import { open, seal } from '#platform/sealing'
import { identityRefusals } from './errors.ts'
import { lockRotation, replaceWebhookSecret, selectWebhookSecrets } from './store.ts'

const PREFIX = 'whsec_'
const SECRET_BYTES = 32
/** How long the secret before signs as well, unless said; at most a week. */
export const ROTATION_SECONDS = DAY_SECONDS
export const MAX_ROTATION_SECONDS = 7 * DAY_SECONDS

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

export interface Rotation {
  readonly partyId: string
  readonly sealingKey: Uint8Array
  /** Zero: from now on only the new one, as after a leak. */
  readonly previousValidSeconds?: number
}

/**
 * A second rotation during the first would make the secret that receivers still use worthless: only two sign. So it is
 * refused (`webhook_secret_rotating`) unless it ends both old ones at once.
 */
export async function rotateWebhookSecret(
  tx: Tx,
  { partyId, sealingKey, previousValidSeconds = ROTATION_SECONDS }: Rotation,
): Promise<RotatedSecret> {
  const until = await lockRotation(tx, partyId)
  if (until !== null && previousValidSeconds > 0)
    throw identityRefusals.webhook_secret_rotating({ until: until.toISOString() })
  const webhookSecret = makeWebhookSecret()
  const previousValidUntil = addSeconds(tx.now, previousValidSeconds)
  const sealed = sealWebhookSecret(sealingKey, { partyId, secret: webhookSecret })
  await replaceWebhookSecret(tx, { partyId, sealed, previousValidUntil })
  return { webhookSecret, previousValidUntil }
}

function contextOf(partyId: string): string {
  return `webhook_secret ${partyId}`
}
