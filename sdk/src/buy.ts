import { type Asked, type Asking, ask, isPassing, LOST, pause } from './asking.ts'
import { randomHex, sha256Hex, textOf } from './bytes.ts'
import { canonicalJson } from './canonical.ts'
import { BuyError, type BuyErrorDetails, type BuyFault } from './errors.ts'
import { type Answer, answerFrom, type Kept, keepAnswer, readKept, writeKept } from './kept.ts'
import { inUsdc } from './money.ts'
import { type Outcome, present, saidIn } from './present.ts'
import { isOver } from './renewal.ts'
import type { PurchaseStore } from './store.ts'
import { type EvmAccount, evmWallet, type Wallet } from './wallet.ts'
import { type Challenge, paymentHeader, type Requirement, readChallenge, readSettled, takesPaymentIds } from './x402.ts'

export interface BuyOptions {
  /** An account of viem pays in USDC on Base; anything else is a `Wallet`. */
  readonly wallet: Wallet | EvmAccount
  /** The most it may cost, in micro-units: `usdc('0.05')`. Nothing dearer is signed. */
  readonly maxPrice: bigint
  /** Where the payment is kept before it is sent. */
  readonly store: PurchaseStore
  /** Sent as JSON; with `method: 'GET'` its members go into the query. */
  readonly input?: unknown
  /** POST where there is input, else GET. */
  readonly method?: 'GET' | 'POST'
  /**
   * Your own name for this purchase: however often it is asked for, it is paid once. Without one, the same request by the same
   * wallet is the same purchase until `windowSeconds` after it has come to an end.
   */
  readonly key?: string
  /** 60 unless said. */
  readonly windowSeconds?: number
  /** Asked before anything is signed; false, and nothing is. */
  readonly approve?: (terms: Terms) => boolean | Promise<boolean>
  /** How long it is tried; two minutes unless said. Then `unfinished`: call again. */
  readonly patienceMs?: number
  /** How long one request may take; a minute unless said. */
  readonly attemptMs?: number
  readonly fetch?: typeof fetch
  readonly signal?: AbortSignal
}

/** What is about to be paid, to whom. */
export interface Terms {
  readonly url: string
  readonly network: string
  readonly asset: string
  readonly amount: bigint
  readonly payTo: string
}

/** What was bought, and the proof of it. */
export interface Bought {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
  text(): string
  json<T = unknown>(): T
  /** Null where the answer was free. */
  readonly payment: Paid | null
}

export interface Paid extends Terms {
  readonly key: string
  readonly payer: string
  readonly txHash: string | null
  readonly receiptId: string | null
  readonly purchaseId: string | null
}

const [PATIENCE_MS, ATTEMPT_MS, WINDOW_SECONDS] = [120_000, 60_000, 60]

interface Wish {
  readonly key: string
  readonly isOwnKey: boolean
  readonly asked: Asked
  readonly fingerprint: string
  readonly wallet: Wallet
  readonly options: BuyOptions
  readonly asking: Asking
}

/**
 * Buys what lies at a URL of x402 (v2, scheme `exact`), once: the signed payment is kept before it is sent, and whatever goes
 * wrong afterwards, the same payment is sent again. Throws `BuyError`.
 */
export async function buy(url: string | URL, options: BuyOptions): Promise<Bought> {
  const wallet = 'pays' in options.wallet ? options.wallet : evmWallet(options.wallet)
  const asked = askedOf(String(url), options)
  const fingerprint = await sha256Hex(canonicalJson(asked))
  const key = options.key ?? `auto:${await sha256Hex(canonicalJson({ fingerprint, payer: wallet.address }))}`
  const asking = {
    ...{ fetch: options.fetch ?? fetch, signal: options.signal, attemptMs: options.attemptMs ?? ATTEMPT_MS },
    until: Date.now() + (options.patienceMs ?? PATIENCE_MS),
  }
  const wish = { key, isOwnKey: options.key !== undefined, asked, fingerprint, wallet, options, asking }
  return inTurn(options.store, key, () => pursue(wish))
}

function askedOf(url: string, { input, method = input === undefined ? 'GET' : 'POST' }: BuyOptions): Asked {
  const target = new URL(url)
  if (method === 'POST') return { url: target.href, method, body: input === undefined ? null : JSON.stringify(input) }
  for (const [name, value] of Object.entries((input ?? {}) as object)) target.searchParams.append(name, String(value))
  return { url: target.href, method, body: null }
}

const turns = new WeakMap<PurchaseStore, Map<string, Promise<unknown>>>()

/** One at a time for one purchase: who comes second finds what the first has kept. */
async function inTurn<T>(store: PurchaseStore, key: string, work: () => Promise<T>): Promise<T> {
  const waiting = turns.get(store) ?? new Map<string, Promise<unknown>>()
  turns.set(store, waiting)
  const before = waiting.get(key)
  const own = (before ?? Promise.resolve()).then(work, work)
  waiting.set(key, own)
  try {
    return await own
  } finally {
    if (waiting.get(key) === own) waiting.delete(key)
  }
}

async function pursue(wish: Wish): Promise<Bought> {
  const { key, isOwnKey, fingerprint, options } = wish
  const { store, windowSeconds = WINDOW_SECONDS } = options
  for (;;) {
    const text = await store.read(key)
    const kept = text === null ? null : readKept(text)
    if (kept && kept.fingerprint !== fingerprint)
      throw fault(wish, 'key_taken', 'This purchase key stands for another request: take another key for this one')
    if (kept?.state === 'paid') {
      const isPast = !isOwnKey && Date.now() - (kept.endedAt ?? 0) > windowSeconds * 1000
      if (!isPast) return kept.answer ? finish(wish, kept, answerFrom(kept.answer)) : send(wish, kept, text)
    } else if (kept && !(await isOver(wish, kept))) {
      requireAffordable(wish, BigInt(kept.payment.amount))
      return send(wish, kept, text)
    }
    const fresh = await sign(wish)
    if ('status' in fresh) return bought(wish, null, fresh)
    const written = writeKept(fresh)
    // Whoever was quicker has signed too; ours was never sent and never will be.
    if (await store.swap(key, { from: text, to: written })) return send(wish, fresh, written)
    if (Date.now() > wish.asking.until) throw fault(wish, 'unfinished', 'Others are at this purchase: call again')
  }
}

async function send(wish: Wish, kept: Kept, text: string | null): Promise<Bought> {
  const outcome = await present(wish.asked, kept, wish.asking)
  if (outcome.kind === 'refused' || outcome.kind === 'unknown') return fail(wish, kept, { outcome, text })
  const { answer } = outcome
  const purchaseId = answer.headers.get('x-purchase-id') ?? kept.purchaseId
  // 202 is no last word: asked again, the same payment tells how far it is.
  const end = answer.status === 202 ? {} : { state: 'paid' as const, endedAt: Date.now(), answer: keepAnswer(answer) }
  const ended = { ...kept, ...end, purchaseId }
  // Should this fail or somebody else have done it, the payment that stands there is the same, and asking again tells the same.
  await wish.options.store.swap(wish.key, { from: text, to: writeKept(ended) })
  return finish(wish, ended, answer)
}

/** Paid for and not delivered is no purchase to go on with, now or when it is asked for again. */
function finish(wish: Wish, kept: Kept, answer: Answer): Bought {
  if (answer.status < 500) return bought(wish, kept, answer)
  const { error, code } = saidIn(answer)
  const details = { purchaseId: kept.purchaseId, status: answer.status, code, ...proofIn(answer.headers) }
  throw fault(wish, 'undelivered', `It was paid and not delivered: ${error}`, details)
}

interface Failing {
  readonly outcome: Extract<Outcome, { said: unknown }>
  readonly text: string | null
}

async function fail(wish: Wish, kept: Kept, { outcome, text }: Failing): Promise<never> {
  const { said } = outcome
  if (said.purchaseId !== null && said.purchaseId !== kept.purchaseId)
    await wish.options.store.swap(wish.key, { from: text, to: writeKept({ ...kept, purchaseId: said.purchaseId }) })
  const details = { purchaseId: said.purchaseId ?? kept.purchaseId, code: said.code }
  if (outcome.kind === 'refused') throw fault(wish, 'refused', said.error, { ...details, status: outcome.status })
  throw fault(wish, 'unfinished', `It may have been paid (${said.error}): call again with the same key`, details)
}

/** Asks for the price and signs a payment of it; the answer itself where it is free. */
async function sign(wish: Wish): Promise<Kept | Answer> {
  const { wallet, fingerprint } = wish
  const answer = await priceOf(wish)
  if (answer.status >= 200 && answer.status <= 299) return answer
  const challenge = readChallenge(answer.headers)
  if (answer.status !== 402) {
    const { error, code } = saidIn(answer)
    throw fault(wish, 'refused', `Nothing was signed: ${error}`, { status: answer.status, code })
  }
  if (!challenge) throw fault(wish, 'not_payable', 'It asks for a payment, but not by the second version of x402')
  const accepted = await choose(wish, challenge)
  const { payload, payer, nonce, validBefore } = await wallet.sign(accepted)
  const { network, asset, amount, payTo } = accepted
  return {
    ...{ version: 1, fingerprint, state: 'signed' },
    header: paymentHeader({ challenge, accepted, payload, paymentId: `souk_${randomHex(16)}` }),
    payment: { network, asset, amount, payTo, payer, nonce, validBefore },
    named: takesPaymentIds(challenge),
    ...{ signedAt: Date.now(), endedAt: null, purchaseId: null, answer: null },
  }
}

async function priceOf(wish: Wish): Promise<Answer> {
  const { asked, asking } = wish
  for (let attempt = 0; ; attempt++) {
    const answer = await ask(asked, {}, asking)
    if (answer !== LOST && !isPassing(answer.status)) return answer
    if (await pause(attempt, answer, asking)) continue
    const why = answer === LOST ? 'nobody answers' : saidIn(answer).error
    throw fault(wish, 'unreachable', `No price was to be had at ${asked.url}: ${why}. Nothing was signed`)
  }
}

async function choose(wish: Wish, { accepts }: Challenge): Promise<Requirement> {
  const { wallet, options, asked } = wish
  const accepted = accepts.find((each) => wallet.pays(each))
  if (!accepted) {
    const kinds = accepts.map(({ scheme, network, asset }) => `${scheme} on ${network} in ${asset}`).join('; ')
    throw fault(wish, 'not_payable', `This wallet cannot pay in any of the ways it is asked to: ${kinds || 'none'}`)
  }
  const { network, asset, payTo } = accepted
  const amount = BigInt(accepted.amount)
  requireAffordable(wish, amount)
  const terms = { url: asked.url, network, asset, amount, payTo }
  if (options.approve && !(await options.approve(terms)))
    throw fault(wish, 'declined', `Paying ${inUsdc(amount)} to ${payTo} was not approved`)
  return accepted
}

function requireAffordable(wish: Wish, amount: bigint): void {
  const { maxPrice } = wish.options
  if (amount <= maxPrice) return
  throw fault(wish, 'too_expensive', `It costs ${inUsdc(amount)}, and ${inUsdc(maxPrice)} at most was to be paid`)
}

function bought({ key, asked }: Wish, kept: Kept | null, { status, headers, body }: Answer): Bought {
  const text = () => textOf(body)
  const plain = { status, headers, body, text, json: <T>() => JSON.parse(text()) as T }
  if (!kept) return { ...plain, payment: null }
  const { network, asset, amount, payTo, payer } = kept.payment
  const terms = { url: asked.url, network, asset, amount: BigInt(amount), payTo }
  return { ...plain, payment: { ...terms, key, payer, purchaseId: kept.purchaseId, ...proofIn(headers) } }
}

function proofIn(headers: Headers): { txHash: string | null; receiptId: string | null } {
  const txHash = headers.get('x-tx-hash') ?? readSettled(headers)?.transaction
  return { txHash: txHash || null, receiptId: headers.get('x-receipt-id') }
}

function fault({ key }: Wish, kind: BuyFault, message: string, details: Partial<BuyErrorDetails> = {}): BuyError {
  return new BuyError(kind, message, { key, ...details })
}
