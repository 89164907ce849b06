import type { Reply } from './wire.ts'

export type What =
  | 'register'
  | 'list'
  | 'hire'
  | 'accept'
  | 'deliver'
  | 'accept-delivery'
  | 'cancel'
  | 'withdraw'
  | 'panic'
  | 'confirm-deposit'

/** Something a trader wanted once, however often it had to ask for it. */
export interface Deed {
  readonly what: What
  /** Name of the trader. */
  readonly by: string
  readonly method: string
  readonly path: string
  readonly body?: object | undefined
  /** Sent along with every try. */
  readonly idempotencyKey: string
}

export interface Entry extends Deed {
  /** The final answer; null when nobody waited for one. */
  readonly reply: Reply | null
  /** Tries that stayed without an answer. */
  readonly unanswered: number
}

/** What the traders were told. Nothing in it may ever turn out to be untrue. */
export interface Diary {
  readonly entries: readonly Entry[]
  write(entry: Entry): void
  /** Entries that were answered with a success. */
  done(...whats: What[]): (Entry & { readonly reply: Reply })[]
}

export function openDiary(): Diary {
  const entries: Entry[] = []
  return {
    entries,
    write: (entry) => void entries.push(entry),
    done: (...whats) =>
      entries.flatMap((entry) => {
        const { what, reply } = entry
        return whats.includes(what) && reply !== null && reply.status < 300 ? [{ ...entry, reply }] : []
      }),
  }
}
