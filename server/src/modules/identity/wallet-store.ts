import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'

export interface WalletKey {
  readonly network: string
  readonly address: string
}

export function selectPartiesOfWallets(
  db: Db,
  wallets: readonly WalletKey[],
): Promise<(WalletKey & { readonly partyId: string })[]> {
  return db.rows(sql`
    select network, address, party_id as "partyId" from wallet_party
    where (network, address) in (
      select * from unnest(${wallets.map(({ network }) => network)}::text[], ${wallets.map(({ address }) => address)}::text[])
    )`)
}

/**
 * The wallet first: who comes second waits here for the first to commit and then inserts nothing, so that no agent is made
 * whose wallet is another's. Answers whether it was us.
 */
export async function insertWalletAgent(
  tx: Tx,
  { network, address, partyId, name }: WalletKey & { readonly partyId: string; readonly name: string },
): Promise<boolean> {
  const rows = await tx.run(sql`
    with wallet as (
      insert into wallet_party (network, address, party_id) values (${network}, ${address}, ${partyId})
      on conflict (network, address) do nothing returning party_id),
    party as (insert into party (id, kind, created_at) select party_id, 'agent', ${tx.now} from wallet)
    insert into agent (party_id, name, description, capabilities, chain, activated_at)
    select party_id, ${name}, '', '{}', ${network}, ${tx.now} from wallet`)
  return rows > 0
}

/**
 * Who stands behind parties: those with one wallet, be it proven or only named, are taken for one owner, named by it in
 * lower case; who names one on each kind of network, by that on EVM. Left out is who has none. Only to judge whether a trade proves anything: naming a wallet gives no right to it.
 */
export async function ownersOf(db: Db, partyIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db.rows<{ partyId: string; owner: string }>(sql`
    select party_id as "partyId", lower(payout_wallet) as owner from agent
      where party_id = any(${partyIds}::uuid[]) and payout_wallet is not null
    union all
    select party_id, lower(solana_wallet) from agent
      where party_id = any(${partyIds}::uuid[]) and solana_wallet is not null and payout_wallet is null
    union all
    select wallet.party_id, lower(coalesce(named.payout_wallet, wallet.address)) from wallet_party wallet
      left join agent named on named.solana_wallet = wallet.address
      where wallet.party_id = any(${partyIds}::uuid[])`)
  return new Map(rows.map(({ partyId, owner }) => [partyId, owner]))
}

/**
 * Whether a wallet is a party's own: it is paid there, it fled there with its money, or it came in by paying from there.
 * Only to refuse trade with oneself: naming a wallet gives no right to it.
 */
export async function isWalletOf(
  db: Db,
  { partyId, network, address }: WalletKey & { readonly partyId: string },
): Promise<boolean> {
  const row = await db.one<{ own: boolean }>(sql`
    select exists (
      select 1 from agent where party_id = ${partyId} and lower(${address}) in (lower(payout_wallet), lower(solana_wallet), lower(emergency_address))
    ) or exists (
      select 1 from wallet_party where party_id = ${partyId} and network = ${network} and lower(address) = lower(${address})
    ) as own`)
  return row?.own === true
}

/** The wallets an agent is paid to, as it named them; none also for who is no agent. Locks the agent. */
export async function lockPayoutWallets(
  tx: Tx,
  partyId: string,
): Promise<{ readonly payoutWallet: string | null; readonly solanaWallet: string | null }> {
  const row = await tx.one<{ payoutWallet: string | null; solanaWallet: string | null }>(sql`
    select payout_wallet as "payoutWallet", solana_wallet as "solanaWallet" from agent
    where party_id = ${partyId} for no key update`)
  return row ?? { payoutWallet: null, solanaWallet: null }
}

/** Marks the EVM wallet an agent is paid to as one that has signed; it becomes that where the agent had none. */
export async function markWalletProven(
  tx: Tx,
  { partyId, address }: { partyId: string; address: string },
): Promise<void> {
  await tx.run(sql`
    update agent set payout_wallet = coalesce(payout_wallet, ${address}),
      payout_wallet_proven_at = coalesce(payout_wallet_proven_at, ${tx.now})
    where party_id = ${partyId}`)
}

/** The same on Solana. */
export async function markSolanaWalletProven(
  tx: Tx,
  { partyId, address }: { partyId: string; address: string },
): Promise<void> {
  await tx.run(sql`
    update agent set solana_wallet = coalesce(solana_wallet, ${address}),
      solana_wallet_proven_at = coalesce(solana_wallet_proven_at, ${tx.now})
    where party_id = ${partyId}`)
}

/** Whether somebody is paid there, on whatever network. */
export async function isPayoutWallet(tx: Tx, address: string): Promise<boolean> {
  const row = await tx.one(sql`
    select 1 from agent where lower(payout_wallet) = ${address.toLowerCase()} or solana_wallet = ${address}`)
  return row !== undefined
}
