/** One of two that are compared. */
export interface Side {
  run(seconds: number): Promise<Slice>
}

export interface Slice {
  readonly perSecond: number
  /** How long each took its caller, in milliseconds; where the side knows. */
  readonly latenciesMs?: readonly number[]
  /** Other figures worth knowing, by name. */
  readonly figures?: Readonly<Record<string, number>>
}

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export interface Comparison {
  readonly ratio: Spread
  readonly peer: Spread
  readonly subject: Spread
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly figures: Readonly<Record<string, number>>
}

const WARM_UP_SECONDS = 1

/**
 * Peer and subject in short slices, turn and turn about, each first as often as the other: a machine that is ten times
 * slower in an hour is equally slow for two neighbours in time. What counts is the ratio within each pair.
 */
export async function compare(
  { peer, subject }: { readonly peer: Side; readonly subject: Side },
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Comparison> {
  await peer.run(WARM_UP_SECONDS)
  await subject.run(WARM_UP_SECONDS)
  const pairs: { peer: Slice; subject: Slice }[] = []
  for (let round = 0; round < rounds; round++) {
    const first = await (round % 2 === 0 ? peer : subject).run(seconds)
    const second = await (round % 2 === 0 ? subject : peer).run(seconds)
    pairs.push(round % 2 === 0 ? { peer: first, subject: second } : { peer: second, subject: first })
    process.stderr.write('.')
  }
  process.stderr.write('\n')
  const latencies = pairs.flatMap((pair) => pair.subject.latenciesMs ?? []).sort((a, b) => a - b)
  return {
    ratio: spreadOf(pairs.map((pair) => pair.subject.perSecond / pair.peer.perSecond)),
    peer: spreadOf(pairs.map((pair) => pair.peer.perSecond)),
    subject: spreadOf(pairs.map((pair) => pair.subject.perSecond)),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    figures: mediansOf(pairs.map((pair) => pair.subject.figures ?? {})),
  }
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const [low = 0, high = 0] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]]
  return { min: sorted[0] ?? 0, median: (low + high) / 2, max: sorted.at(-1) ?? 0 }
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}

function mediansOf(slices: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = new Set(slices.flatMap((figures) => Object.keys(figures)))
  return Object.fromEntries(
    [...names].map((name) => [name, spreadOf(slices.map((figures) => figures[name] ?? 0)).median]),
  )
}
