import type { Db, Store } from '#platform/db'
import type { Answer } from '#platform/http/idempotency'

/** What the composition root hands to the faces of `/api/v1`. Each face takes what it needs from it. */
export interface V1Context {
  readonly store: Store
  readonly read: Db
  /** Opens the unit of work of an unsafe route and keeps its answer for retries. */
  readonly answer: Answer
  /** Public address, without a slash at its end. */
  readonly publicUrl: string
}
