import { type Asked, type Asking, ask, isPassing, LOST, pause } from './asking.ts'
import { BuyError } from './errors.ts'
import type { Kept } from './kept.ts'
import { jsonOf, present, saidIn } from './present.ts'
import type { Wallet } from './wallet.ts'

/** Clocks differ, and a chain's is its last block's. */
const MARGIN_MS = 30_000

interface Wish {
  readonly key: string
  readonly asked: Asked
  readonly wallet: Wallet
  readonly asking: Asking
}

/**
 * Whether a payment that was signed can be made no more, so that another may take its place: it has expired, and the server
 * or its chain says that it was not used. False when it should be sent (again); throws when nobody can tell.
 */
export async function isOver(wish: Wish, kept: Kept): Promise<boolean> {
  if (!hasExpired(kept, Date.now())) return false
  const { status, at } = await statusOf(wish, kept)
  if (status !== null && status !== 'failed') return false
  const fate = (await wish.wallet.fateOf?.(kept.payment).catch(() => 'open' as const)) ?? 'open'
  if (fate === 'used') return false
  if (fate === 'void' || (status === 'failed' && hasExpired(kept, at))) return true
  // Sent once more it buys nothing new, and a server that knows payments says what it has bought.
  const outcome = await present(wish.asked, kept, wish.asking)
  if (outcome.kind !== 'refused') return false
  const { status: answered, said } = outcome
  if (answered === 402 && kept.named && hasExpired(kept, said.at)) return true
  const message = `The payment has expired and nobody can say whether it was used (${said.error})`
  const details = { key: wish.key, purchaseId: kept.purchaseId, status: answered, code: said.code }
  throw new BuyError('unresolved', message, details)
}

/** By a clock that is known: a wrong clock of ours alone must not make anything expire. */
function hasExpired({ payment }: Kept, now: number | null): boolean {
  return now !== null && now > payment.validBefore * 1000 + MARGIN_MS
}

interface Status {
  readonly status: string | null
  /** The server's clock. */
  readonly at: number | null
}

/** What the server says of the purchase, where it gave it an id; null when it says nothing. */
async function statusOf({ asked, asking }: Wish, { purchaseId }: Kept): Promise<Status> {
  if (purchaseId === null) return { status: null, at: null }
  const url = new URL(`/api/v1/purchases/${encodeURIComponent(purchaseId)}`, asked.url).href
  for (let attempt = 0; ; attempt++) {
    const answer = await ask({ url, method: 'GET', body: null }, {}, asking)
    if (answer !== LOST && !isPassing(answer.status)) {
      const { status, txHash } = jsonOf(answer.body)
      const isKnown = answer.status === 200 && typeof status === 'string'
      // Taken and given back is used, too.
      const isUsed = status === 'failed' && typeof txHash === 'string'
      return { status: isKnown ? (isUsed ? 'returned' : status) : null, at: saidIn(answer).at }
    }
    if (!(await pause(attempt, answer, asking))) return { status: 'unknown', at: null }
  }
}
