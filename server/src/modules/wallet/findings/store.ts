import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'

export interface Finding {
  readonly id: string
  readonly kind: string
  readonly subject: string
  readonly details: Readonly<Record<string, unknown>>
  readonly openedAt: Date
  /** When it was last found again. */
  readonly seenAt: Date
  readonly resolvedAt: Date | null
  readonly note: string | null
}

/** Answers whether it is a new one. */
export async function insertFinding(
  tx: Tx,
  { id, kind, subject, details }: Pick<Finding, 'id' | 'kind' | 'subject' | 'details'>,
): Promise<boolean> {
  const row = await tx.one<{ id: string }>(sql`
    insert into finding (id, kind, subject, details, opened_at, seen_at)
    values (${id}, ${kind}, ${subject}, ${JSON.stringify(details)}::jsonb, ${tx.now}, ${tx.now})
    on conflict (kind, subject) where resolved_at is null
    do update set details = excluded.details, seen_at = excluded.seen_at
    returning id`)
  return row?.id === id
}

export async function closeFinding(
  tx: Tx,
  { kind, subject, note }: { kind: string; subject: string; note: string },
): Promise<number> {
  return tx.run(sql`
    update finding set resolved_at = ${tx.now}, note = ${note}
    where kind = ${kind} and subject = ${subject} and resolved_at is null`)
}

export async function closeFindingById(
  tx: Tx,
  { id, note }: { id: string; note: string },
): Promise<Finding | undefined> {
  return tx.one<Finding>(sql`
    update finding set resolved_at = ${tx.now}, note = ${note} where id = ${id} and resolved_at is null
    returning id, kind, subject, details, opened_at as "openedAt", seen_at as "seenAt", resolved_at as "resolvedAt", note`)
}

export async function selectFindings(
  db: Db,
  { openOnly, limit, offset }: { openOnly: boolean; limit: number; offset: number },
): Promise<Finding[]> {
  return db.rows<Finding>(sql`
    select id, kind, subject, details, opened_at as "openedAt", seen_at as "seenAt", resolved_at as "resolvedAt", note
    from finding where not ${openOnly} or resolved_at is null
    order by opened_at desc, id desc limit ${limit} offset ${offset}`)
}

export async function countFindings(db: Db, { openOnly }: { openOnly: boolean }): Promise<number> {
  const row = await db.one<{ total: bigint }>(sql`
    select count(*) as total from finding where not ${openOnly} or resolved_at is null`)
  return Number(row?.total ?? 0n)
}

/** Which of these have an open finding of the kind. */
export async function openSubjects(
  db: Db,
  { kind, subjects }: { kind: string; subjects: readonly string[] },
): Promise<Set<string>> {
  const rows = await db.rows<{ subject: string }>(sql`
    select subject from finding where kind = ${kind} and subject = any(${subjects}) and resolved_at is null`)
  return new Set(rows.map(({ subject }) => subject))
}
