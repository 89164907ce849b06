import type { Answer } from './kept.ts'

/** A request as it is sent each time: the same method, address and bytes. */
export interface Asked {
  readonly url: string
  readonly method: 'GET' | 'POST'
  /** JSON; null where there is no body. */
  readonly body: string | null
}

export interface Asking {
  readonly fetch: typeof fetch
  readonly signal: AbortSignal | undefined
  /** How long one attempt may take. */
  readonly attemptMs: number
  /** Milliseconds since 1970 after which nothing more is tried. */
  readonly until: number
}

/** Nobody answered, or not to the end: nothing is known. */
export const LOST = Symbol('lost')

/** One attempt, its answer read to the end. */
export async function ask(
  asked: Asked,
  headers: Record<string, string>,
  asking: Asking,
): Promise<Answer | typeof LOST> {
  const { url, method, body } = asked
  const { signal, attemptMs } = asking
  const own = AbortSignal.timeout(attemptMs)
  try {
    const answer = await asking.fetch(url, {
      method,
      headers: { ...(body === null ? {} : { 'content-type': 'application/json' }), ...headers },
      body,
      // A payment is for who was asked, and for nobody it points at.
      redirect: 'manual',
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, own]) : own,
    })
    const bytes = new Uint8Array(await answer.arrayBuffer())
    return { status: answer.status, headers: answer.headers, body: bytes }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof TypeError || (error instanceof DOMException && error.name !== 'SyntaxError')) return LOST
    throw error
  }
}

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 5_000

/** Waits as long as the server asks for, else a little longer each time; false when there is no time left for it. */
export async function pause(attempt: number, answer: Answer | typeof LOST, asking: Asking): Promise<boolean> {
  const asks = answer === LOST ? undefined : retryAfterMs(answer.headers)
  const ms = asks ?? Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS)
  if (Date.now() + ms > asking.until) return false
  await new Promise<void>((resolve, reject) => {
    const { signal } = asking
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
  })
  return true
}

/** Seconds, or a date. */
function retryAfterMs(headers: Headers): number | undefined {
  const said = headers.get('retry-after')
  if (said === null) return undefined
  if (/^\d{1,6}$/.test(said)) return Number(said) * 1000
  const at = Date.parse(said)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}

/** Whether the same question may be answered otherwise in a moment. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500
}
