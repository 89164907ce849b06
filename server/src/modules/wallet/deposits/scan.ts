import type { Store } from '#platform/db'
import { walletRefusals } from '../errors.ts'
import { signaturesOfOurs } from '../payouts/store.ts'
import { ChainUnreachable, type Movement, type Rail } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { creditMovements } from './credit.ts'
import { addressOfParty, type DepositAddress } from './store.ts'

export interface ScanContext {
  readonly store: Store
  readonly rail: Rail
  readonly settings: WalletSettings
}

/** Transactions read at once; each chunk is committed before the next is read. */
const CHUNK = 20

/**
 * Reads what is new on one address and credits it. The cursor never passes what is not committed, so a crash or an
 * unreachable node costs nothing but time. Answers how many deposits were credited.
 */
export async function scanAddress(
  { store, rail, settings }: ScanContext,
  { address, after }: { address: DepositAddress; after: string | null },
): Promise<number> {
  const signatures = await rail.signaturesAfter(address.tokenAccount, after)
  let from = address.lastSignature
  let credited = 0
  for (let start = 0; start < signatures.length; start += CHUNK) {
    const part = signatures.slice(start, start + CHUNK)
    const movements = await movementsOf({ store, rail, address, signatures: part })
    const upto = part.at(-1) ?? null
    const credits = { address, movements, from, upto, rail, settings }
    credited += (await store.transact((tx) => creditMovements(tx, credits))).length
    from = upto
  }
  return credited
}

interface Reading {
  readonly store: Store
  readonly rail: Rail
  readonly address: DepositAddress
  readonly signatures: readonly string[]
}

/** What we sent ourselves is accounted for where it is settled. */
async function movementsOf({ store, rail, address, signatures }: Reading): Promise<readonly Movement[]> {
  const ours = await signaturesOfOurs(store.read, signatures)
  const strangers = signatures.filter((signature) => !ours.has(signature))
  return Promise.all(strangers.map((signature) => rail.movement(signature, address.tokenAccount)))
}

export interface Scanner {
  /** Reads the chain for one party; throws `chain_unreachable` when it does not answer. */
  scan(partyId: string): Promise<void>
  /** The same, but answers false where the chain does not answer within a moment. */
  tryScan(partyId: string): Promise<boolean>
}

const PATIENCE_MS = 3000

/** Callers who ask about the same party at once share one reading of the chain. */
export function createScanner(context: ScanContext): Scanner {
  const underway = new Map<string, Promise<void>>()
  const { store, rail } = context
  const read = async (partyId: string): Promise<void> => {
    const address = await addressOfParty(store.read, { partyId, network: rail.network })
    if (address) await scanAddress(context, { address, after: address.lastSignature })
  }
  const shared = (partyId: string): Promise<void> => {
    const running = underway.get(partyId)
    if (running) return running
    const started = read(partyId).finally(() => underway.delete(partyId))
    underway.set(partyId, started)
    return started
  }
  const scan = (partyId: string) => shared(partyId).catch(asRefusal)
  return {
    scan,
    tryScan: (partyId) => settledWithin(PATIENCE_MS, shared(partyId)),
  }
}

/** A node that does not answer is a "not now" to whoever asked, never a wrong answer. */
export function asRefusal(error: unknown): never {
  if (error instanceof ChainUnreachable) throw walletRefusals.chain_unreachable({ network: error.network })
  throw error
}

async function settledWithin(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([work.then(() => true), patience])
  } catch (error) {
    if (error instanceof ChainUnreachable) return false
    throw error
  } finally {
    clearTimeout(timer)
    // Nobody may be left to hear how it ends.
    work.catch(() => {})
  }
}
