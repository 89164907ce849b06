import type { Asset } from '#kernel/money'

/** An account's address: `asset:kind:owner`. Both sides of a posting must begin with the same asset. */
export type AccountId = `${Lowercase<Asset>}:${string}:${string}`

const accountId = (asset: Asset, kind: string, owner: string): AccountId =>
  `${asset.toLowerCase() as Lowercase<Asset>}:${kind}:${owner}`

/** What a party can spend or withdraw. */
export const available = (asset: Asset, partyId: string) => accountId(asset, 'available', partyId)
/** What a party has asked to withdraw and no chain has confirmed yet. */
export const pending = (asset: Asset, partyId: string) => accountId(asset, 'pending', partyId)
/** Money set aside for one object (an order, later a campaign or channel); zero once the object has ended (D-27). */
export const escrow = (asset: Asset, objectId: string) => accountId(asset, 'escrow', objectId)
/** The platform's revenue, by where it came from: `jobs`, `activation`, `withdrawal`. */
export const fees = (asset: Asset, source: string) => accountId(asset, 'fees', source)
/** The other side of everything that enters or leaves the market; minus its balance is what a chain must hold. */
export const world = (asset: Asset, network: string) => accountId(asset, 'world', network)

/** Whether an account is the other side of what enters and leaves: its money is on a chain, not in the market. */
export function isWorld(id: AccountId): boolean {
  return id.split(':')[1] === 'world'
}

const SUMMED_KINDS = ['fees', 'world']

/** Accounts that many unrelated transfers touch are never locked; their balance is the sum of their entries. */
export function isSummed(id: AccountId): boolean {
  return SUMMED_KINDS.includes(id.split(':')[1] ?? '')
}

export function assetOf(id: AccountId): string {
  return id.slice(0, id.indexOf(':'))
}
