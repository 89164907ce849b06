import type { Engine } from '#orders'
import type { Db, Store } from '#platform/db'
import type { Answer, AnswerBook } from '#platform/http/idempotency'
import type { Outbound } from '#platform/outbound/index'
import type { SchemaValidator } from '#platform/strangers-schema/index'
import type { DirectDeps } from '#trades/direct'
import type { Trust } from '#trust'
import type { ClientReputation } from './webhook-format.ts'

/** What the composition root hands to the faces of `/api/v1`. Each face takes what it needs from it. */
export interface V1Context {
  readonly store: Store
  readonly read: Db
  /** Opens the unit of work of an unsafe route and keeps its answer for retries. */
  readonly answer: Answer
  /** The same for routes hot enough to share units of work. */
  readonly answers: AnswerBook
  /** Public address, without a slash at its end. */
  readonly publicUrl: string
  readonly outbound: Outbound
  readonly validator: SchemaValidator
  readonly engine: Engine
  readonly direct: DirectDeps
  readonly trustOf: (partyId: string) => Promise<Trust>
  readonly reputationOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, ClientReputation>>
}
