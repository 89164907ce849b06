import sql from 'sql-template-tag'
import type { Tx } from '#platform/db'

export interface Freeze {
  readonly partyId: string
  readonly until: Date
  readonly reason: string
}

/** Freezes in force at `tx.now`, by party. */
export async function freezesOf(tx: Tx, partyIds: readonly string[]): Promise<Map<string, Freeze>> {
  const rows = await tx.rows<Freeze>(sql`
    select party_id as "partyId", until, reason from spending_freeze
    where party_id = any(${partyIds}::uuid[]) and until > ${tx.now}`)
  return new Map(rows.map((row) => [row.partyId, row]))
}

export async function saveFreeze(tx: Tx, { partyId, until, reason }: Freeze): Promise<void> {
  await tx.run(sql`
    insert into spending_freeze (party_id, until, reason, set_at) values (${partyId}, ${until}, ${reason}, ${tx.now})
    on conflict (party_id) do update
    set until = greatest(spending_freeze.until, excluded.until), reason = excluded.reason, set_at = excluded.set_at`)
}
