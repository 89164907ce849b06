import { createHmac } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import sql from 'sql-template-tag'
import { Refusal } from '#kernel/refusal'
import { canonicalJson } from '#platform/canonical-json'
import type { Db, Store, Tx } from '#platform/db'
import { dbRefusals } from '#platform/db/outcome'
import { open, seal } from '#platform/sealing'
import { httpRefusals } from './errors.ts'

/** One intended action of one caller: a retry carries the same claim and gets the first answer again. */
export interface Claim {
  readonly scope: string
  readonly key: string
  readonly fingerprint: Buffer
}

export interface KeptAnswer {
  readonly status: number
  readonly body: unknown
}

export interface AnswerBook {
  /** The claim of a request that carries an idempotency key. */
  claimOf(request: FastifyRequest): Claim | undefined
  /** The answer kept for this claim; throws `idempotency_key_reused` when it was made for another body. */
  find(claim: Claim): Promise<KeptAnswer | undefined>
  /** Keeps answers in the transaction of their effects; answers which claims were taken by somebody meanwhile. */
  keep(tx: Tx, answers: readonly { claim: Claim; answer: KeptAnswer }[]): Promise<Set<Claim>>
  /** Forgets some answers older than a week of real time, which no clock of a sandbox moves; answers how many. */
  purge(): Promise<number>
}

const PRINTABLE = /^[\x21-\x7e]{1,255}$/
const MIN_PUBLIC_KEY_LENGTH = 20
const KEEP_DAYS = 7
const PURGED_AT_ONCE = 5000

/** Answers are sealed and bodies only fingerprinted under a key: some of them hold a secret. */
export function createAnswerBook(store: Store, sealingKey: Uint8Array): AnswerBook {
  const claims = new WeakMap<FastifyRequest, Claim>()
  return {
    claimOf: (request) => {
      const known = claims.get(request)
      if (known) return known
      const key = keyOf(request)
      if (key === undefined) return undefined
      const tooShort = !request.caller && key.length < MIN_PUBLIC_KEY_LENGTH
      if (!PRINTABLE.test(key) || tooShort) throw httpRefusals.idempotency_key_invalid()
      // A slash at the end makes no other route, so it must not make another action either.
      const path = request.url.split('?', 1)[0]?.replace(/\/+$/, '')
      const claim = {
        scope: `${askerOf(request)} ${request.method} ${path}`,
        key,
        fingerprint: createHmac('sha256', sealingKey)
          .update(canonicalJson(request.body ?? null))
          .digest(),
      }
      claims.set(request, claim)
      return claim
    },
    find: (claim) => findAnswer(store.read, claim, sealingKey),
    keep: async (tx, answers) => {
      if (answers.length === 0) return new Set()
      const kept = await insertAnswers(tx, answers, sealingKey)
      // Each name that was written stands for the first claim of that name; a twin in the same unit is taken as well.
      return new Set(answers.map(({ claim }) => claim).filter((claim) => !kept.delete(nameOf(claim))))
    },
    purge: () =>
      store.transact((tx) =>
        tx.run(sql`
          delete from idempotency where ctid in (
            select ctid from idempotency where created_at < clock_timestamp() - ${KEEP_DAYS} * interval '1 day'
            limit ${PURGED_AT_ONCE})`),
      ),
  }
}

/** Claims that were looked up a moment ago in vain, so that acting on them need not look again. */
const unanswered = new WeakSet<Claim>()

/**
 * Answers a retry before anything is checked again: what a route looks at first (a saved address, a service, a node of the
 * chain) may have changed since, and a "no" would tell a party that what was done was not.
 */
export function replayFirst(app: FastifyInstance, book: AnswerBook): void {
  app.addHook('preHandler', async (request, reply) => {
    const claim = request.caller && request.method !== 'GET' ? book.claimOf(request) : undefined
    if (!claim) return
    const kept = await book.find(claim)
    if (kept) return sendAnswer(reply, { ...kept, replayed: true })
    unanswered.add(claim)
  })
}

/** The unit of work behind an unsafe route: its effect and the answer kept for retries commit together (D-14). */
export type Answer = (
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  work: (tx: Tx) => Promise<unknown>,
) => Promise<void>

export function createAnswer(store: Store, book: AnswerBook): Answer {
  return async (request, reply, status, work) => {
    const claim = book.claimOf(request)
    if (!claim) return await reply.code(status).send(await store.transact(work))
    const done = await once(book, claim, () =>
      store.transact(async (tx) => {
        const answer = { status, body: await work(tx) }
        if ((await book.keep(tx, [{ claim, answer }])).size > 0) throw new ClaimTaken()
        return answer
      }),
    )
    await sendAnswer(reply, done)
  }
}

/** Somebody else's unit of work with the same claim committed first; ours is rolled back and theirs is answered. */
export class ClaimTaken extends Error {
  override readonly name = 'ClaimTaken'
}

export interface DoneAnswer extends KeptAnswer {
  readonly replayed: boolean
}

const MAX_TRIES = 3

/** Runs `act` unless the claim has been answered, also when a twin finished while we were at it. */
export async function once(book: AnswerBook, claim: Claim, act: () => Promise<KeptAnswer>): Promise<DoneAnswer> {
  for (let attempt = 1; ; attempt++) {
    const before = unanswered.delete(claim) ? undefined : await book.find(claim)
    if (before) return { ...before, replayed: true }
    try {
      return { ...(await act()), replayed: false }
    } catch (error) {
      // A twin that took the claim and then was refused leaves it to us: we act after all.
      if (error instanceof ClaimTaken && attempt < MAX_TRIES) continue
      const after = error instanceof ClaimTaken || error instanceof Refusal ? await book.find(claim) : undefined
      if (after) return { ...after, replayed: true }
      throw error instanceof ClaimTaken ? dbRefusals.busy() : error
    }
  }
}

export function sendAnswer(reply: FastifyReply, { status, body, replayed }: DoneAnswer): FastifyReply {
  if (replayed) reply.header('idempotent-replayed', 'true')
  return reply.code(status).send(body)
}

function askerOf({ caller, routeOptions }: FastifyRequest): string {
  if (!caller) return 'public'
  return routeOptions.config.rules?.replayTo === 'key' ? caller.keyId : caller.partyId
}

/** A structured-field string in quotes, or bare as nearly everybody sends it. */
function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'] ?? request.headers['x-idempotency-key']
  if (typeof header !== 'string') return undefined
  return /^"(.*)"$/.exec(header)?.[1] ?? header
}

async function findAnswer(db: Db, claim: Claim, sealingKey: Uint8Array): Promise<KeptAnswer | undefined> {
  const row = await db.one<{ fingerprint: Buffer; status: number; response: string }>(sql`
    select fingerprint, status, response from idempotency where scope = ${claim.scope} and key = ${claim.key}`)
  if (!row) return undefined
  if (!row.fingerprint.equals(claim.fingerprint)) throw httpRefusals.idempotency_key_reused()
  return { status: row.status, body: JSON.parse(open(sealingKey, row.response)) }
}

async function insertAnswers(
  tx: Tx,
  answers: readonly { claim: Claim; answer: KeptAnswer }[],
  sealingKey: Uint8Array,
): Promise<Set<string>> {
  const rows = await tx.rows<{ scope: string; key: string }>(sql`
    insert into idempotency (scope, key, fingerprint, status, response, created_at)
    select *, clock_timestamp() from unnest(
      ${answers.map(({ claim }) => claim.scope)}::text[],
      ${answers.map(({ claim }) => claim.key)}::text[],
      ${answers.map(({ claim }) => claim.fingerprint)}::bytea[],
      ${answers.map(({ answer }) => answer.status)}::smallint[],
      ${answers.map(({ answer }) => seal(sealingKey, JSON.stringify(answer.body ?? null)))}::text[])
    order by 1, 2
    on conflict do nothing returning scope, key`)
  return new Set(rows.map(nameOf))
}

function nameOf({ scope, key }: Pick<Claim, 'scope' | 'key'>): string {
  return `${scope} ${key}`
}
