import type { Hex } from 'viem'
import { newId } from '#kernel/id'
import type { Store, Tx } from '#platform/db'
import { gatherLookups } from '#platform/lookups'
import { shareWork } from '#platform/shared-work'
import type { SignedAuthorization } from './authorization.ts'
import {
  type End,
  type Ending,
  endSettlements,
  insertSettlements,
  nameOf,
  type Settlement,
  type SettlementState,
  settlementsBy,
} from './store.ts'

/** What is known of the settlements of one network. What many ask of it at the same time takes one query, and one commit. */
export interface Book {
  find(by: { readonly payer: Hex; readonly nonce: Hex }): Promise<Settlement | undefined>
  /** Keeps an authorization before anything is done with it; does nothing when the payer's nonce is known already. */
  keep(authorization: SignedAuthorization): Promise<void>
  /** Ends a settlement once: what another process has found out meanwhile stands. */
  end(settlement: Settlement, end: End): Promise<void>
}

export interface BookOptions {
  readonly store: Store
  readonly network: string
  /** In the commit that gives a settlement up that had been called settled: a reorganization took it away, and it cannot be made again. */
  readonly onReversed?: (tx: Tx, settlement: Settlement) => Promise<void>
}

export function createBook({ store, network, onReversed }: BookOptions): Book {
  const find = gatherLookups(store.read, (db, names) => settlementsBy(db, { network, names }))
  const keep = shareWork(store, async (tx, authorizations: readonly SignedAuthorization[]) => {
    const rows = authorizations.map((authorization) => ({ id: newId(), network, authorization }))
    await insertSettlements(tx, rows)
    return rows
  })
  const end = shareWork(store, async (tx, endings: readonly (Ending & { settlement: Settlement })[]) => {
    const reversed = await endSettlements(tx, endings)
    for (const { settlement } of endings) if (reversed.delete(settlement.id)) await onReversed?.(tx, settlement)
    return endings
  })
  return {
    find: ({ payer, nonce }) => find(nameOf({ payer, nonce })),
    keep: async (authorization) => {
      await keep(authorization)
    },
    end: async (settlement, ending) => {
      // Paid is paid; but what was never sent when it was found wanting may have been sent since.
      const from: readonly SettlementState[] = ending.state === 'settled' ? ['accepted', 'sent'] : [settlement.state]
      await end({ id: settlement.id, from, end: ending, settlement })
    },
  }
}
