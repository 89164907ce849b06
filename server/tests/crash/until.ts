import { setTimeout as pause } from 'node:timers/promises'

const LOOK_EVERY_MS = 20

/** Waits for a condition; when it does not come about, says what was seen last. */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  {
    what,
    withinMs = 60_000,
    everyMs = LOOK_EVERY_MS,
  }: { what: string | (() => string); withinMs?: number; everyMs?: number },
): Promise<T> {
  const givenUpAt = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > givenUpAt)
      throw new Error(`waited ${withinMs} ms in vain: ${typeof what === 'string' ? what : what()}`)
    await pause(everyMs)
  }
}
