import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#kernel/refusal'
import type { Store, Tx } from '#platform/db'
import { UnknownOutcome } from '#platform/db/outcome'
import { createGatherer, type Outcome } from '#platform/gather'
import { type AnswerBook, type Claim, ClaimTaken, type KeptAnswer, once, sendAnswer } from './idempotency.ts'

/** A hot route's unit of work, shared with whoever asks at the same moment; each request still succeeds or fails alone. */
export type Desk<Item, Result> = (
  request: FastifyRequest,
  reply: FastifyReply,
  ask: { readonly item: Item; readonly status: number; readonly view: (result: Result) => unknown },
) => Promise<void>

export interface DeskOptions<Item, Result> {
  readonly store: Store
  readonly answers: AnswerBook
  /** Handles many items in one unit of work, each alone; a throw undoes the whole unit. */
  readonly work: (tx: Tx, items: readonly Item[]) => Promise<readonly Outcome<Result>[]>
  readonly maxItems?: number
}

interface Ask<Item, Result> {
  readonly item: Item
  readonly claim: Claim | undefined
  readonly status: number
  readonly view: (result: Result) => unknown
}

const MAX_ITEMS = 128

/**
 * Gathers concurrent requests of one kind into one unit of work and one commit, their kept answers included. What takes
 * one request one commit takes fifty requests the same commit.
 */
export function createDesk<Item, Result>(options: DeskOptions<Item, Result>): Desk<Item, Result> {
  const { store, answers, work, maxItems = MAX_ITEMS } = options
  const gather = createGatherer<Ask<Item, Result>, KeptAnswer>({
    maxItems,
    run: (asks) => store.transact((tx) => handle(tx, { answers, work, asks })),
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

async function handle<Item, Result>(
  tx: Tx,
  { answers, work, asks }: Pick<DeskOptions<Item, Result>, 'answers' | 'work'> & { asks: readonly Ask<Item, Result>[] },
): Promise<Outcome<KeptAnswer>[]> {
  const twins = twinsAmong(asks)
  const own = asks.filter((ask) => !twins.has(ask))
  const results = await work(
    tx,
    own.map(({ item }) => item),
  )
  const outcomes = new Map(own.map((ask, index) => [ask, outcomeOf(ask, results[index])]))
  const kept = own.flatMap((ask) => {
    const outcome = outcomes.get(ask)
    return ask.claim && outcome && 'done' in outcome ? [{ claim: ask.claim, answer: outcome.done }] : []
  })
  if ((await answers.keep(tx, kept)).size > 0) throw new ClaimTaken()
  return asks.map((ask) => outcomes.get(ask) ?? { refused: new ClaimTaken() })
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
