import type { Tx } from '#platform/db'
import { violatedConstraint } from '#platform/db/outcome'
import { SCOPES } from '#platform/http/caller'
import { issueKey, type MadeKey } from './api-keys.ts'
import { identityRefusals } from './errors.ts'
import { emitIdentity } from './events.ts'
import type { KeyLook } from './keys.ts'
import { partyOfWallet } from './wallet-parties.ts'
import { isPayoutWallet, lockPayoutWallet, markWalletProven, type WalletKey } from './wallet-store.ts'

const KEY_NAME = 'wallet sign-in'
const EVM = 'eip155:'

/**
 * A key for the agent that a wallet is when it buys (PA-13), made where it has not bought yet: what it bought, and whatever else
 * an agent may do, by the wallet's own signature, which the caller has checked. Where nobody has named the wallet, the agent
 * is paid at it from now on. An agent that named it is another agent and stays so. Throws `too_many_keys`, `wallet_taken`.
 */
export async function claimAgent(
  tx: Tx,
  { wallet, look }: { wallet: WalletKey; look: KeyLook },
): Promise<{ readonly partyId: string; readonly key: MadeKey }> {
  const partyId = await partyOfWallet(tx, wallet)
  if (await canBePaidAt(tx, { partyId, wallet })) await prove(tx, { partyId, address: wallet.address })
  const key = await issueKey(tx, { partyId, name: KEY_NAME, scopes: SCOPES, look, expiresAt: null })
  emitIdentity(tx, 'key.added', { partyId, keyId: key.keyId, name: KEY_NAME })
  return { partyId, key }
}

/**
 * Notes that the wallet an agent is paid to has signed for it; answers the wallet. An agent without one gets this one. The
 * caller has checked the signature. Throws `wallet_not_evm`, `wallet_not_yours`, `wallet_taken`.
 */
export async function provePayoutWallet(
  tx: Tx,
  { partyId, wallet: { network, address } }: { partyId: string; wallet: WalletKey },
): Promise<string> {
  if (!network.startsWith(EVM)) throw identityRefusals.wallet_not_evm()
  const named = await lockPayoutWallet(tx, partyId)
  if (named !== null && named.toLowerCase() !== address.toLowerCase()) throw identityRefusals.wallet_not_yours()
  await prove(tx, { partyId, address })
  if (named === null) emitIdentity(tx, 'agent.payout_wallet_changed', { partyId, payoutWallet: address })
  return named ?? address
}

async function canBePaidAt(
  tx: Tx,
  { partyId, wallet: { network, address } }: { partyId: string; wallet: WalletKey },
): Promise<boolean> {
  if (!network.startsWith(EVM)) return false
  const named = await lockPayoutWallet(tx, partyId)
  return named === null ? !(await isPayoutWallet(tx, address)) : named.toLowerCase() === address
}

async function prove(tx: Tx, proof: { partyId: string; address: string }): Promise<void> {
  await markWalletProven(tx, proof).catch((error: unknown) => {
    if (violatedConstraint(error) === 'agent_payout_wallet') throw identityRefusals.wallet_taken()
    throw error
  })
}
