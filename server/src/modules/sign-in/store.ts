import sql from 'sql-template-tag'
import type { Tx } from '#platform/db'

/** False when it was spent before; whoever comes second waits here for the first to commit. */
export async function insertNonce(tx: Tx, { nonce, expiresAt }: { nonce: string; expiresAt: Date }): Promise<boolean> {
  const rows = await tx.run(sql`
    insert into sign_in_nonce (nonce, expires_at) values (${nonce}, ${expiresAt}) on conflict do nothing`)
  return rows > 0
}

/** Freshness is measured by the real clock (D-26), so forgetting is too. */
export async function forgetNonces(tx: Tx, { limit }: { limit: number }): Promise<number> {
  return tx.run(sql`
    delete from sign_in_nonce where nonce in (
      select nonce from sign_in_nonce where expires_at < clock_timestamp() order by expires_at limit ${limit})`)
}
