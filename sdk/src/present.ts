import { type Asked, type Asking, ask, isPassing, LOST, pause } from './asking.ts'
import { textOf } from './bytes.ts'
import type { Answer, Kept } from './kept.ts'
import { readSettled, recordOf } from './x402.ts'

/** What came of sending a signed payment, as far as anybody knows. */
export type Outcome =
  /** A status of 500 or more: the money has moved, and the seller gave nothing for it. */
  | { readonly kind: 'paid'; readonly answer: Answer }
  /** The server took nothing. `status` 402: it does not take this payment. */
  | { readonly kind: 'refused'; readonly status: number; readonly said: Said }
  | { readonly kind: 'unknown'; readonly said: Said }

/** What an error answer says. */
export interface Said {
  readonly error: string
  readonly code: string | null
  readonly purchaseId: string | null
  /** The server's clock, in milliseconds since 1970, where it tells. */
  readonly at: number | null
}

/** A seller that failed is asked again with the same payment, but not for ever. */
const SELLER_TRIES = 3

/** Sends the payment that is kept until it is known what came of it, or there is no time left. */
export async function present(asked: Asked, { header }: Pick<Kept, 'header'>, asking: Asking): Promise<Outcome> {
  let said: Said = { error: 'nobody answered', code: null, purchaseId: null, at: null }
  let failures = 0
  for (let attempt = 0; ; attempt++) {
    const answer = await ask(asked, { 'payment-signature': header }, asking)
    if (answer !== LOST) {
      const settled = readSettled(answer.headers)
      if (settled?.success || (answer.status >= 200 && answer.status <= 299)) return { kind: 'paid', answer }
      said = saidIn(answer, said)
      const isPending = settled?.errorReason === 'settlement_pending'
      if (!isPending && !isPassing(answer.status)) return { kind: 'refused', status: answer.status, said }
      if (said.code === 'seller_failed' && ++failures >= SELLER_TRIES)
        return { kind: 'refused', status: answer.status, said }
    }
    if (!(await pause(attempt, answer, asking))) return { kind: 'unknown', said }
  }
}

export function saidIn({ status, headers, body }: Answer, before?: Said): Said {
  const json = jsonOf(body)
  const text = (name: string) => (typeof json[name] === 'string' ? (json[name] as string) : null)
  const at = Date.parse(headers.get('date') ?? '')
  return {
    error: text('error') ?? `it answered ${status}`,
    code: text('code'),
    purchaseId: text('purchaseId') ?? before?.purchaseId ?? null,
    at: Number.isNaN(at) ? null : at,
  }
}

export function jsonOf(body: Uint8Array): Record<string, unknown> {
  try {
    return recordOf(JSON.parse(textOf(body)))
  } catch {
    return {}
  }
}
