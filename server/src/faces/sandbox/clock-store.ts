import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'

export async function advanceClock(tx: Tx, seconds: number): Promise<void> {
  await tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${BigInt(seconds) * 1000n}`)
}

export async function clockOffsetMs(db: Db): Promise<number> {
  const row = await db.one<{ offsetMs: bigint }>(sql`select offset_ms as "offsetMs" from sandbox_clock`)
  return Number(row?.offsetMs ?? 0n)
}
