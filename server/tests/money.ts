import { newId } from '#kernel/id'
import type { Asset, Micros } from '#kernel/money'
import { type AccountId, available, balances, openAccounts, pending, post, world } from '#ledger'
import type { Db, Store } from '#platform/db'

/** A party that has accounts and some money from outside, for tests of modules below the doors. */
export async function fundedParty(store: Store, amount: Micros, asset: Asset = 'USDC'): Promise<string> {
  const partyId = newId()
  await store.transact(async (tx) => {
    await openAccounts(tx, available(asset, partyId), pending(asset, partyId), world(asset, 'test'))
    await post(tx, {
      key: `deposit:${partyId}`,
      reason: 'deposit',
      subject: partyId,
      postings: [{ from: world(asset, 'test'), to: available(asset, partyId), amount }],
    })
  })
  return partyId
}

/** Balances of accounts in the order they were asked for; zero where there is no such account. */
export async function balancesOf(db: Db, ids: readonly AccountId[]): Promise<Micros[]> {
  const found = await balances(db, ids)
  return ids.map((id) => found.get(id) ?? 0n)
}
