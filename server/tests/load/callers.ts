import type { Slice } from './rounds.ts'

/**
 * So many callers, each beginning its next act when the last is done, until the time is over; what is under way then is
 * waited for and counted. A failing act ends the benchmark.
 */
export async function driveCallers(
  { callers, seconds }: { readonly callers: number; readonly seconds: number },
  act: (caller: number) => Promise<void>,
): Promise<Required<Pick<Slice, 'perSecond' | 'latenciesMs'>>> {
  const latenciesMs: number[] = []
  const from = performance.now()
  const until = from + seconds * 1000
  const caller = async (number: number) => {
    for (let begun = performance.now(); begun < until; begun = performance.now()) {
      await act(number)
      latenciesMs.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)))
  return { perSecond: latenciesMs.length / ((performance.now() - from) / 1000), latenciesMs }
}
