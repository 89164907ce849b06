import { newId } from '#kernel/id'
import type { Db, Tx } from '#platform/db'
import { identityRefusals } from './errors.ts'
import { emitIdentity } from './events.ts'
import { insertWalletAgent, selectPartiesOfWallets, type WalletKey } from './wallet-store.ts'

const EVM = 'eip155:'
const EVM_ADDRESS = /^0x[0-9a-f]{40}$/

/**
 * The agent of a wallet that buys without registering, made when it buys first: one per wallet and network, whatever the
 * case of its letters and however many buy at once (PA-13). Only for a wallet whose signature was checked. An agent that
 * merely names this wallet for its payouts is somebody else, and never gets at what the wallet bought. Throws
 * `wallet_invalid`.
 */
export async function partyOfWallet(tx: Tx, wallet: WalletKey): Promise<string> {
  const [partyId] = await partiesOfWallets(tx, [wallet])
  return partyId as string
}

/** The same of many, in order. */
export async function partiesOfWallets(tx: Tx, wallets: readonly WalletKey[]): Promise<string[]> {
  const keys = wallets.map(({ network, address }) => ({ network, address: keyOf({ network, address }) }))
  const known = new Map(
    (await selectPartiesOfWallets(tx, keys)).map(({ partyId, ...key }) => [nameOf(key), partyId] as const),
  )
  // In one order for everybody: who comes second waits for the first to commit.
  const unknown = new Map(keys.map((key, index) => [nameOf(key), { key, index }] as const))
  for (const [name, { key, index }] of [...unknown].sort(([one], [other]) => (one < other ? -1 : 1)))
    if (!known.has(name)) known.set(name, await makePartyOf(tx, { ...key, shown: wallets[index]?.address ?? '' }))
  return keys.map((key) => known.get(nameOf(key)) as string)
}

async function makePartyOf(tx: Tx, { shown, ...wallet }: WalletKey & { readonly shown: string }): Promise<string> {
  const made = { partyId: newId(), name: shortened(shown) }
  if (await insertWalletAgent(tx, { ...wallet, ...made })) {
    emitIdentity(tx, 'agent.registered', made)
    return made.partyId
  }
  const [first] = await selectPartiesOfWallets(tx, [wallet])
  if (first === undefined) throw new Error(`the wallet ${wallet.address} was taken by nobody`)
  return first.partyId
}

function nameOf({ network, address }: WalletKey): string {
  return `${network} ${address}`
}

/** The agent a wallet is when it buys; undefined for one that has not bought yet. */
export async function knownPartyOfWallet(db: Db, { network, address }: WalletKey): Promise<string | undefined> {
  const [known] = await selectPartiesOfWallets(db, [{ network, address: keyOf({ network, address }) }])
  return known?.partyId
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
