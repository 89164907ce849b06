import sql from 'sql-template-tag'
import type { Tx } from './db.ts'

/** News of what happened, in the past tense. It travels upward: who hears it is not known here. */
export interface DomainEvent {
  readonly name: string
  /** Id of the thing it happened to. */
  readonly subject: string
  readonly payload: unknown
}

export async function insertEvents(tx: Tx, events: readonly DomainEvent[]): Promise<void> {
  await tx.run(sql`
    insert into event (era, name, subject, payload, at)
    select cluster_era.era, e.name, e.subject, e.payload::jsonb, ${tx.now}
    from cluster_era, unnest(
      ${events.map((event) => event.name)}::text[],
      ${events.map((event) => event.subject)}::text[],
      ${events.map((event) => JSON.stringify(event.payload))}::text[]
    ) with ordinality as e (name, subject, payload, position)
    order by position`)
}
