import { setTimeout as delay } from 'node:timers/promises'
import { ChainUnreachable } from '#platform/chain-unreachable'
import type { Store } from '#platform/db'
import { walletRefusals } from '../errors.ts'
import { signaturesOfOurs } from '../payouts/attempt-store.ts'
import type { Movement, Rail } from '../rail.ts'
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
  const signatures = await rail.signaturesAfter(address.tokenAccount, after, address.assignedAt)
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

/** What we sent ourselves is accounted for where it is settled; a payout to a deposit address is a deposit like any. */
async function movementsOf({ store, rail, address, signatures }: Reading): Promise<readonly Movement[]> {
  const ours = await signaturesOfOurs(store.read, { signatures, sweepsOnly: address.partyId !== null })
  const strangers = signatures.filter((signature) => !ours.has(signature))
  return Promise.all(strangers.map((signature) => rail.movement(signature, address.tokenAccount)))
}

export interface Scanner {
  /**
   * Reads the chain for one party, and waits a little for what is about to become final. Throws `chain_unreachable`
   * when it does not answer.
   */
  scan(partyId: string): Promise<void>
  /** The same, but answers false where the chain does not answer within a moment. */
  tryScan(partyId: string): Promise<boolean>
}

const PATIENCE_MS = 3000

/** Callers who ask about the same party at once share readings of the chain. */
export function createScanner(context: ScanContext): Scanner {
  const { store, rail, settings } = context
  const { network } = rail
  const lately = createRecent(settings.balanceFreshMs)
  const fresh = createShared(async (partyId: string): Promise<void> => {
    const address = await addressOfParty(store.read, { partyId, network })
    if (address) await scanAddress(context, { address, after: address.lastSignature })
    lately.add(partyId)
  })
  const isExpecting = async (partyId: string): Promise<boolean> => {
    const address = await addressOfParty(store.read, { partyId, network })
    if (!address) return false
    const coming = await rail.unfinalizedAfter(address.tokenAccount, address.lastSignature)
    return (await signaturesOfOurs(store.read, { signatures: coming, sweepsOnly: true })).size < coming.length
  }
  /** People confirm a deposit as soon as their wallet says "sent", which is before it is final. */
  const patient = async (partyId: string): Promise<void> => {
    const end = Date.now() + settings.finalityPatienceMs
    for (;;) {
      const isMoreComing = await isExpecting(partyId)
      await fresh(partyId)
      if (!isMoreComing || Date.now() > end) return
      await delay(settings.pollMs)
    }
  }
  return {
    scan: (partyId) => patient(partyId).catch(asRefusal),
    tryScan: async (partyId) => lately.has(partyId) || settledWithin(PATIENCE_MS, fresh(partyId)),
  }
}

/** Whoever calls while one run is under way shares the next one: what it sees is never older than the call. */
function createShared(run: (key: string) => Promise<void>): (key: string) => Promise<void> {
  const running = new Map<string, Promise<void>>()
  const next = new Map<string, Promise<void>>()
  const start = (key: string): Promise<void> => {
    next.delete(key)
    const started = run(key).finally(() => running.get(key) === started && running.delete(key))
    running.set(key, started)
    return started
  }
  return (key) => {
    const current = running.get(key)
    if (!current) return start(key)
    const waiting = next.get(key) ?? current.then(noop, noop).then(() => start(key))
    next.set(key, waiting)
    return waiting
  }
}

const noop = (): void => {}

/** Remembers keys for a moment. */
function createRecent(forMs: number) {
  const kept = new Set<string>()
  return {
    has: (key: string): boolean => kept.has(key),
    add: (key: string): void => {
      if (forMs === 0 || kept.has(key)) return
      kept.add(key)
      setTimeout(() => kept.delete(key), forMs).unref()
    },
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
