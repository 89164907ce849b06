import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import type { Network } from '../rail.ts'

export interface SavedAddress {
  readonly partyId: string
  readonly network: Network
  readonly address: string
  readonly usableAt: Date
  readonly isDefault: boolean
  readonly createdAt: Date
}

interface Book {
  readonly partyId: string
  readonly network: Network
}

export async function addressBook(db: Db, { partyId, network }: Book): Promise<SavedAddress[]> {
  return db.rows<SavedAddress>(sql`
    select party_id as "partyId", network, address, usable_at as "usableAt", is_default as "isDefault",
      created_at as "createdAt"
    from withdrawal_address where party_id = ${partyId} and network = ${network} order by created_at, address`)
}

/**
 * The party's whole book, over every network, one change at a time: two first entries at once must not both go without a
 * cooldown.
 */
export async function lockAddressBook(tx: Tx, partyId: string): Promise<SavedAddress[]> {
  await tx.rows(sql`select pg_advisory_xact_lock(hashtextextended(${`withdrawal_address:${partyId}`}, 0))`)
  return tx.rows<SavedAddress>(sql`
    select party_id as "partyId", network, address, usable_at as "usableAt", is_default as "isDefault",
      created_at as "createdAt"
    from withdrawal_address where party_id = ${partyId} order by created_at, address`)
}

export async function saveDefault(tx: Tx, entry: Book & { address: string; usableAt: Date }): Promise<void> {
  await tx.run(sql`
    update withdrawal_address set is_default = false
    where party_id = ${entry.partyId} and network = ${entry.network} and is_default`)
  await tx.run(sql`
    insert into withdrawal_address (party_id, network, address, usable_at, is_default, created_at)
    values (${entry.partyId}, ${entry.network}, ${entry.address}, ${entry.usableAt}, true, ${tx.now})
    on conflict (party_id, network, address) do update set usable_at = excluded.usable_at, is_default = true`)
}
