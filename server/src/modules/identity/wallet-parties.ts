import { newId } from '#kernel/id'
import type { Db, Tx } from '#platform/db'
import { identityRefusals } from './errors.ts'
import { emitIdentity } from './events.ts'
import { insertWalletAgent, selectPartyOfWallet, type WalletKey } from './wallet-store.ts'

const EVM = 'eip155:'
const EVM_ADDRESS = /^0x[0-9a-f]{40}$/

/**
 * The agent of a wallet that buys without registering, made when it buys first: one per wallet and network, whatever the
 * case of its letters and however many buy at once (PA-13). Only for a wallet whose signature was checked. An agent that
 * merely names this wallet for its payouts is somebody else, and never gets at what the wallet bought. Throws
 * `wallet_invalid`.
 */
export async function partyOfWallet(tx: Tx, { network, address }: WalletKey): Promise<string> {
  const wallet = { network, address: keyOf({ network, address }) }
  const known = await selectPartyOfWallet(tx, wallet)
  if (known !== undefined) return known
  const made = { partyId: newId(), name: shortened(address) }
  if (await insertWalletAgent(tx, { ...wallet, ...made })) {
    emitIdentity(tx, 'agent.registered', made)
    return made.partyId
  }
  const first = await selectPartyOfWallet(tx, wallet)
  if (first === undefined) throw new Error(`the wallet ${address} was taken by nobody`)
  return first
}

/** The agent a wallet is when it buys; undefined for one that has not bought yet. */
export function knownPartyOfWallet(db: Db, { network, address }: WalletKey): Promise<string | undefined> {
  return selectPartyOfWallet(db, { network, address: keyOf({ network, address }) })
}

/** On EVM letters' case is a checksum at most, and a signature has proved more than that; elsewhere it is part of the address. */
function keyOf({ network, address }: WalletKey): string {
  if (!network.startsWith(EVM)) return address
  const lower = address.toLowerCase()
  if (!EVM_ADDRESS.test(lower)) throw identityRefusals.wallet_invalid()
  return lower
}

function shortened(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`
}
