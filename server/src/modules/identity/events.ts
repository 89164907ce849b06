import type { Tx } from '#platform/db'

interface IdentityEvents {
  'agent.registered': { readonly partyId: string; readonly name: string }
  'agent.activated': { readonly partyId: string }
  'agent.suspended': { readonly partyId: string }
  'agent.reinstated': { readonly partyId: string }
  /** On the kind of network that is named. */
  'agent.payout_wallet_changed':
    | { readonly partyId: string; readonly payoutWallet: string | null }
    | { readonly partyId: string; readonly solanaWallet: string | null }
  'key.added': { readonly partyId: string; readonly keyId: string; readonly name: string }
  'key.revoked': { readonly partyId: string; readonly keyId: string; readonly name: string }
}

export function emitIdentity<Name extends keyof IdentityEvents>(tx: Tx, name: Name, payload: IdentityEvents[Name]) {
  tx.emit({ name, subject: payload.partyId, payload })
}
