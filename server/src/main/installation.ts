import sql from 'sql-template-tag'
import type { Store } from '#platform/db'

/** A database belongs to the world it was first used in; the other one refuses it. */
export class WrongWorld extends Error {
  override readonly name = 'WrongWorld'
}

/**
 * Marks a fresh database with its mode and its chain, or checks that both are still the same: sandbox money must never be
 * read as real money, and books must never be held against another chain than the one they were kept on.
 */
export async function claimInstallation(
  store: Store,
  { mode, chainIdentity }: { mode: 'sandbox' | 'live'; chainIdentity: string },
): Promise<void> {
  const found = await store.transact(async (tx) => {
    await tx.run(sql`
      insert into installation (mode, chain_identity) values (${mode}, ${chainIdentity}) on conflict do nothing`)
    return tx.one<{ mode: string; chainIdentity: string }>(sql`
      select mode, chain_identity as "chainIdentity" from installation`)
  })
  if (found?.mode !== mode) {
    throw new WrongWorld(
      `this database was first used in ${found?.mode} mode, so ${mode} mode will not touch it: use another DATABASE_URL`,
    )
  }
  if (found.chainIdentity !== chainIdentity) {
    throw new WrongWorld(
      mode === 'sandbox'
        ? 'this database was kept on another local chain than the one running now: remove both (SOUK_DATA_DIR and the database) and start anew'
        : `this database was kept on chain ${found.chainIdentity}, but SOLANA_RPC_URL leads to ${chainIdentity}`,
    )
  }
}
