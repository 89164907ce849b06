import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#kernel/refusal'
import type { Db, Store, Tx } from '#platform/db'
import { UnknownOutcome } from '#platform/db/outcome'
import { createGatherer, type Outcome } from '#platform/gather'
import { type AnswerBook, type Claim, ClaimTaken, type KeptAnswer, once, sendAnswer } from './idempotency.ts'

/** A hot route's unit of work, shared with whoever asks at the same moment; each request still succeeds or fails alone. */
export type Desk<Item, Result> = (
  request: FastifyRequest,
  reply: FastifyReply,
  ask: { readonly item: Item; readonly status: number; readonly view: (result: Result) => unknown },
) => Promise<void>

export interface DeskOptions<Item, Result, Opened> {
  readonly store: Store
  readonly answers: AnswerBook
  /** What is read or locked first, known from the items alone: sent along with the unit's beginning. */
  readonly open: (db: Db, items: readonly Item[]) => Promise<Opened>
  /** Handles many items in one unit of work, each alone; a throw undoes the whole unit. */
  readonly work: (tx: Tx, items: readonly Item[], opened: Opened) => Promise<readonly Outcome<Result>[]>
  readonly maxItems?: number
}

interface Ask<Item, Result> {
  readonly item: Item
  readonly claim: Claim | undefined
  readonly status: number
  readonly view: (result: Result) => unknown
}

const MAX_ITEMS = 128
/** Small beside the time a unit of work takes; measured: a third less work for server and database at 32 callers. */
const REST_MS = 2

/**
 * Gathers concurrent requests of one kind into one unit of work and one commit, their kept answers included. What takes
 * one request one commit takes fifty requests the same commit.
 */
export function createDesk<Item, Result, Opened>(options: DeskOptions<Item, Result, Opened>): Desk<Item, Result> {
  const { store, answers, open, work, maxItems = MAX_ITEMS } = options
  const gather = createGatherer<Ask<Item, Result>, KeptAnswer>({
    maxItems,
    restMs: REST_MS,
    run: (asks) => {
      const twins = twinsAmong(asks)
      const own = asks.filter((ask) => !twins.has(ask))
      const items = own.map(({ item }) => item)
      return store.transactWith(
        (db) => open(db, items),
        async (tx, opened) => {
          const outcomes = await keepAnswers(tx, { answers, own, results: await work(tx, items, opened) })
          return asks.map((ask) => outcomes.get(ask) ?? { refused: new ClaimTaken() })
        },
      )
    },
    // A lost commit may have happened; everything else did nothing and is tried alone, so that one cannot spoil many.
    retryAlone: (error) => !(error instanceof UnknownOutcome),
  })
  return async (request, reply, { item, status, view }) => {
    const claim = answers.claimOf(request)
    const act = () => gather({ item, status, view, claim })
    const done = claim ? await once(answers, claim, act) : { ...(await act()), replayed: false }
    await sendAnswer(reply, done)
  }
}

interface Answered<Item, Result> {
  readonly answers: AnswerBook
  readonly own: readonly Ask<Item, Result>[]
  readonly results: readonly Outcome<Result>[]
}

/** Turns results into answers, and keeps those that were asked for under a key. */
async function keepAnswers<Item, Result>(
  tx: Tx,
  { answers, own, results }: Answered<Item, Result>,
): Promise<Map<Ask<Item, Result>, Outcome<KeptAnswer>>> {
  const outcomes = new Map(own.map((ask, index) => [ask, outcomeOf(ask, results[index])]))
  const kept = own.flatMap((ask) => {
    const outcome = outcomes.get(ask)
    return ask.claim && outcome && 'done' in outcome ? [{ claim: ask.claim, answer: outcome.done }] : []
  })
  if ((await answers.keep(tx, kept)).size > 0) throw new ClaimTaken()
  return outcomes
}

/** The same claim twice in one batch: only the first acts. */
function twinsAmong<A extends { readonly claim: Claim | undefined }>(asks: readonly A[]): Set<A> {
  const seen = new Set<string>()
  return new Set(
    asks.filter(({ claim }) => {
      if (!claim) return false
      const name = `${claim.scope} ${claim.key}`
      if (seen.has(name)) return true
      seen.add(name)
      return false
    }),
  )
}

function outcomeOf<Item, Result>(
  { status, view }: Ask<Item, Result>,
  result: Outcome<Result> | undefined,
): Outcome<KeptAnswer> {
  if (!result) throw new Error('a desk answered fewer results than items')
  if ('refused' in result) {
    if (result.refused instanceof Refusal) return result
    throw result.refused
  }
  return { done: { status, body: view(result.done) } }
}
