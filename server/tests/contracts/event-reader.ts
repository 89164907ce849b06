import { EventSource } from 'eventsource'

/** An event as agents see it. */
export interface SeenEvent {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  // biome-ignore lint/suspicious/noExplicitAny: each type has its own
  readonly data: any
}

export interface Listener {
  readonly seen: SeenEvent[]
  /** What the client itself took for the id of each, by the `id:` lines. */
  readonly ids: string[]
  /** How often a connection was made. */
  opened(): number
  /** Status codes of refusals. */
  readonly refused: (number | undefined)[]
  close(): void
}

/** Listens with anybody's client, unchanged: it reconnects and resumes by itself, as the HTML standard says. */
export function listenTo(url: string, key: string): Listener {
  const seen: SeenEvent[] = []
  const ids: string[] = []
  const refused: (number | undefined)[] = []
  let opened = 0
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } }),
  })
  source.addEventListener('open', () => {
    opened++
  })
  source.addEventListener('message', (message: MessageEvent) => {
    seen.push(JSON.parse(message.data))
    ids.push(message.lastEventId)
  })
  source.addEventListener('error', (error) => {
    if ('code' in error && source.readyState === source.CLOSED) refused.push(error.code as number | undefined)
  })
  return { seen, ids, refused, opened: () => opened, close: () => source.close() }
}
