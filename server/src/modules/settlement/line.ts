import type { Logger } from 'pino'
import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import type { Fees, SettlementChain } from './chain.ts'
import { type Lookout, lookForAll } from './look.ts'
import type { Sender, Stranded } from './send.ts'
import { reopenedUnsent, type Settlement } from './store.ts'
import {
  lineFrom,
  lockLine,
  type NewTransaction,
  saveTransactions,
  settlementsById,
  type Unlanded,
  unlandedAfter,
  type Waiting,
} from './transaction-store.ts'

export interface LineOptions extends Lookout {
  readonly store: Store
  readonly log: Pick<Logger, 'warn'>
  readonly sender: Sender
  /** For what is to be sent as if it had just come. */
  readonly decide: (settlement: Settlement) => Promise<unknown>
  readonly settings: { readonly resendMs: number; readonly raiseMs: number }
}

const BATCH = 100
const LONGEST_LINE = 200
const AT_ONCE = 20
/** So many times the wait, and a transaction whose number was used without it is given a new one: its node may only lag. */
const PATIENCE = 3

/**
 * Looks after transactions whose askers have gone. What has landed is ended. Everything else from the number on whose turn it is
 * is sent again in its order, also what others wait behind; what is priced below the market is replaced; what stands behind
 * a number that was never used, or had its number used by something else, is signed for a number whose turn comes.
 */
export function lineSweep(options: LineOptions): Sweep {
  const { store, chain, log, settings, decide } = options
  const { network } = chain
  const tolerant = async <T>(settlement: Settlement, asked: Promise<T>): Promise<T | 'open'> => {
    try {
      return await asked
    } catch (error) {
      // One that cannot be told holds no other back.
      log.warn({ err: error, settlement: settlement.id }, 'a settlement was looked for in vain')
      return 'open'
    }
  }
  return {
    name: `settlements:${network}`,
    everyMs: 1000,
    ignoresWakes: true,
    run: async () => {
      const open = await unlandedAfter(store.read, { network, olderThanMs: settings.resendMs, limit: BATCH })
      const seen = await Promise.all(open.map((each) => tolerant(each.settlement, lookForAll(options, each))))
      const missing = open.filter((_, index) => seen[index] === 'missing')
      if (missing.length > 0) await mend(options, missing)
      const unsent = await reopenedUnsent(store.read, { network, limit: BATCH })
      await Promise.all(unsent.map((settlement) => tolerant(settlement, decide(settlement))))
      return seen.filter((each) => typeof each === 'object').length
    },
  }
}

async function mend(options: LineOptions, missing: readonly Unlanded[]): Promise<void> {
  const { store, chain, sender } = options
  const { network, relayer } = chain
  const turn = await chain.landedByRelayer()
  const line = await lineFrom(store.read, { network, relayer, turn, limit: LONGEST_LINE })
  const stranded = strandedAmong(missing, { line, turn, settings: options.settings })
  if (stranded.length > 0) await sender.sendAnew(stranded)
  await resend(options, await raise(options, line))
}

interface View {
  readonly line: readonly Waiting[]
  readonly turn: bigint
  readonly settings: LineOptions['settings']
}

/** Those whose number was used without them, and, for each number before them that was never used, one of those behind it. */
export function strandedAmong(missing: readonly Unlanded[], { line, turn, settings }: View): Stranded[] {
  const kept = new Set(line.map(({ nonce }) => nonce))
  const last = line.at(-1)?.nonce ?? turn
  const gaps: bigint[] = []
  for (let nonce = turn; nonce < last && gaps.length < BATCH; nonce++) if (!kept.has(nonce)) gaps.push(nonce)
  const passed = missing.filter(({ nonce, ageMs }) => nonce < turn && ageMs > PATIENCE * settings.resendMs)
  const behind = missing.filter(({ nonce }) => gaps[0] !== undefined && nonce > gaps[0]).slice(0, gaps.length)
  return [...passed, ...behind].map(({ settlement: { id }, nonce }) => ({ id, nonce }))
}

/** The line with those replaced that the chain leaves lying for their price; each replacement is kept before it is sent (D-15). */
async function raise(options: LineOptions, line: readonly Waiting[]): Promise<readonly Waiting[]> {
  const { store, chain, settings, log } = options
  const waited = line.filter(({ ageMs }) => ageMs > settings.raiseMs)
  if (waited.length === 0) return line
  const [market, offer] = await Promise.all([chain.marketFees(), chain.fees()])
  const cheap = waited.filter(({ fees }) => isBelow(fees, market))
  const raised = cheap.flatMap((waiting) => {
    const fees = raisedFees(waiting.fees, offer)
    return fees ? [{ ...waiting, fees, attempt: waiting.attempt + 1 }] : []
  })
  if (raised.length < cheap.length)
    log.warn({ network: chain.network, market: String(market.maxFeePerGas) }, 'the chain asks more than may be paid')
  const settlements = await settlementsById(
    store.read,
    raised.map(({ settlementId }) => settlementId),
  )
  const signed = await Promise.all(
    raised.map(async (waiting): Promise<NewTransaction> => {
      const { authorization } = settlements.get(waiting.settlementId) as Settlement
      return { ...waiting, ...(await chain.sign(authorization, waiting)) }
    }),
  )
  return keepRaised({ store, chain }, { line, signed })
}

/** Nodes take a replacement only for a tenth more, of both. Null when that is more than may be offered. */
export function raisedFees(old: Fees, offer: Fees): Fees | null {
  const more = (fee: bigint) => fee + fee / 8n + 1n
  const greater = (one: bigint, other: bigint) => (one > other ? one : other)
  const maxPriorityFeePerGas = greater(more(old.maxPriorityFeePerGas), offer.maxPriorityFeePerGas)
  const { maxFeePerGas } = offer
  return more(old.maxFeePerGas) > maxFeePerGas || maxPriorityFeePerGas > maxFeePerGas
    ? null
    : { maxFeePerGas, maxPriorityFeePerGas }
}

function isBelow(fees: Fees, market: Fees): boolean {
  return fees.maxFeePerGas < market.maxFeePerGas || fees.maxPriorityFeePerGas < market.maxPriorityFeePerGas
}

interface Raised {
  readonly line: readonly Waiting[]
  readonly signed: readonly NewTransaction[]
}

async function keepRaised(
  { store, chain }: { store: Store; chain: SettlementChain },
  { line, signed }: Raised,
): Promise<readonly Waiting[]> {
  if (signed.length === 0) return line
  const { network, relayer } = chain
  const turn = signed[0]?.nonce ?? 0n
  return store.transact(async (tx) => {
    await lockLine(tx, { network, relayer })
    // Another process may have raised them a moment ago.
    const now = await lineFrom(tx, { network, relayer, turn, limit: LONGEST_LINE })
    const newest = new Map(now.map(({ nonce, attempt }) => [nonce, attempt]))
    const ours = signed.filter(({ nonce, attempt }) => newest.get(nonce) === attempt - 1)
    await saveTransactions(tx, { network, relayer, signed: ours })
    const bytes = new Map(ours.map((each) => [each.nonce, each.bytes]))
    return line.map((waiting) => ({ ...waiting, bytes: bytes.get(waiting.nonce) ?? waiting.bytes }))
  })
}

/** In order, and a few at a time, which go out in one request: a node far away must not hold the sweep for long. */
async function resend({ chain, log }: LineOptions, line: readonly Waiting[]): Promise<void> {
  for (let from = 0; from < line.length; from += AT_ONCE) {
    await Promise.all(
      line.slice(from, from + AT_ONCE).map(({ bytes, settlementId }) =>
        chain.broadcast(bytes).catch((error: Error) => {
          // Mostly because the node has it already.
          log.warn({ err: error, settlement: settlementId }, 'a settlement was sent again and not taken')
        }),
      ),
    )
  }
}
