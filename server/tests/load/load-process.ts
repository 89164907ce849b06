import type { Slice } from './rounds.ts'

/** To the generator: run for so many seconds. From it: what came of it. */
export type LoadAnswer = { readonly slice: Slice; readonly acts: number } | { readonly error: string }

/** The generator's side of its parent: runs a slice whenever it is told to, and ends with its parent. */
export function serveLoad(run: (seconds: number) => Promise<LoadAnswer>): void {
  process.on('message', (seconds: number) => {
    run(seconds)
      .catch((error: Error): LoadAnswer => ({ error: error.message }))
      .then((answer) => process.send?.(answer))
      .catch(() => process.exit(1))
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.('ready')
}
