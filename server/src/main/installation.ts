import sql from 'sql-template-tag'
import type { Store } from '#platform/db'

/** A database belongs to the world it was first used in; the other one refuses it. */
export class WrongWorld extends Error {
  override readonly name = 'WrongWorld'
}

export interface Installation {
  readonly mode: 'sandbox' | 'live'
  /** The Solana network's. */
  readonly chainIdentity: string
  /** Null: this market does without EVM for now; what the books know of it stays. */
  readonly evmIdentity: string | null
}

/**
 * Marks a fresh database with its mode and its chains, or checks that they are still the same: sandbox money must never be
 * read as real money, and books must never be held against another chain than the one they were kept on.
 */
export async function claimInstallation(store: Store, claimed: Installation): Promise<void> {
  const { mode, chainIdentity, evmIdentity } = claimed
  const found = await store.transact(async (tx) => {
    await tx.run(sql`
      insert into installation (mode, chain_identity) values (${mode}, ${chainIdentity}) on conflict do nothing`)
    await tx.run(sql`
      update installation set evm_identity = ${evmIdentity} where evm_identity is null and mode = ${mode}`)
    return tx.one<Installation>(sql`
      select mode, chain_identity as "chainIdentity", evm_identity as "evmIdentity" from installation`)
  })
  if (found?.mode !== mode) {
    throw new WrongWorld(
      `this database was first used in ${found?.mode} mode, so ${mode} mode will not touch it: use another DATABASE_URL`,
    )
  }
  requireSame({ mode, variable: 'SOLANA_RPC_URL', known: found.chainIdentity, now: chainIdentity })
  if (evmIdentity !== null && found.evmIdentity !== null)
    requireSame({ mode, variable: 'EVM_RPC_URL', known: found.evmIdentity, now: evmIdentity })
}

interface Comparison {
  readonly mode: Installation['mode']
  readonly variable: string
  readonly known: string
  readonly now: string
}

function requireSame({ mode, variable, known, now }: Comparison): void {
  if (known === now) return
  throw new WrongWorld(
    mode === 'sandbox'
      ? 'this database was kept on another local chain than the one running now: remove both (SOUK_DATA_DIR and the database) and start anew'
      : `this database was kept on chain ${known}, but ${variable} leads to ${now}`,
  )
}
