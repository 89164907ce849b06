import type { Tx } from '#platform/db'
import { violatedConstraint } from '#platform/db/outcome'
import { SCOPES } from '#platform/http/caller'
import { issueKey, type MadeKey } from './api-keys.ts'
import { identityRefusals } from './errors.ts'
import { emitIdentity } from './events.ts'
import type { KeyLook } from './keys.ts'
import { payoutWalletOn } from './profile.ts'
import { partyOfWallet } from './wallet-parties.ts'
import {
  isPayoutWallet,
  lockPayoutWallets,
  markSolanaWalletProven,
  markWalletProven,
  type WalletKey,
} from './wallet-store.ts'

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
  if (await canBePaidAt(tx, { partyId, wallet })) await prove(tx, { partyId, wallet })
  const key = await issueKey(tx, { partyId, name: KEY_NAME, scopes: SCOPES, look, expiresAt: null })
  emitIdentity(tx, 'key.added', { partyId, keyId: key.keyId, name: KEY_NAME })
  return { partyId, key }
}

/**
 * Notes that the wallet an agent is paid to has signed for it; answers the wallet. An agent without one on this kind of
 * network gets this one. The caller has checked the signature. Throws `wallet_not_yours`, `wallet_taken`.
 */
export async function provePayoutWallet(
  tx: Tx,
  { partyId, wallet }: { partyId: string; wallet: WalletKey },
): Promise<string> {
  const { network, address } = wallet
  const named = payoutWalletOn(await lockPayoutWallets(tx, partyId), network)
  if (named !== null && !isSame(wallet, named)) throw identityRefusals.wallet_not_yours()
  await prove(tx, { partyId, wallet })
  const change = network.startsWith(EVM) ? { partyId, payoutWallet: address } : { partyId, solanaWallet: address }
  if (named === null) emitIdentity(tx, 'agent.payout_wallet_changed', change)
  return named ?? address
}

async function canBePaidAt(tx: Tx, { partyId, wallet }: { partyId: string; wallet: WalletKey }): Promise<boolean> {
  const named = payoutWalletOn(await lockPayoutWallets(tx, partyId), wallet.network)
  return named === null ? !(await isPayoutWallet(tx, wallet.address)) : isSame(wallet, named)
}

/** Letters' case is a checksum at most on EVM, and part of the address elsewhere. */
function isSame({ network, address }: WalletKey, named: string): boolean {
  return network.startsWith(EVM) ? named.toLowerCase() === address.toLowerCase() : named === address
}

const TAKEN = ['agent_payout_wallet', 'agent_solana_wallet']

async function prove(tx: Tx, { partyId, wallet }: { partyId: string; wallet: WalletKey }): Promise<void> {
  const { network, address } = wallet
  const mark = network.startsWith(EVM) ? markWalletProven : markSolanaWalletProven
  await mark(tx, { partyId, address }).catch((error: unknown) => {
    if (TAKEN.includes(violatedConstraint(error) ?? '')) throw identityRefusals.wallet_taken()
    throw error
  })
}
