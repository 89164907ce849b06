import { cpus } from 'node:os'

/** One of two that are compared. */
export interface Side {
  /** Slices of this length before the first that counts; 1 where nothing is said. */
  readonly warmUpSeconds?: number
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
  /** Percent of the processors that somebody else used while nothing was measured, before and after. */
  readonly othersPercent: number
}

const PROBE_MS = 1000

/**
 * Peer and subject in short slices, turn and turn about, each first as often as the other: a machine that is ten times
 * slower in an hour is equally slow for two neighbours in time. What counts is the ratio within each pair.
 */
export async function compare(
  { peer, subject }: { readonly peer: Side; readonly subject: Side },
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Comparison> {
  const others = [await busyPercent()]
  for (const side of [peer, subject]) await side.run(side.warmUpSeconds ?? 1)
  const pairs: { peer: Slice; subject: Slice }[] = []
  for (let round = 0; round < rounds; round++) {
    const first = await (round % 2 === 0 ? peer : subject).run(seconds)
    const second = await (round % 2 === 0 ? subject : peer).run(seconds)
    pairs.push(round % 2 === 0 ? { peer: first, subject: second } : { peer: second, subject: first })
    process.stderr.write('.')
  }
  process.stderr.write('\n')
  others.push(await busyPercent())
  const latencies = pairs.flatMap((pair) => pair.subject.latenciesMs ?? []).sort((a, b) => a - b)
  return {
    ratio: spreadOf(pairs.map((pair) => pair.subject.perSecond / pair.peer.perSecond)),
    peer: spreadOf(pairs.map((pair) => pair.peer.perSecond)),
    subject: spreadOf(pairs.map((pair) => pair.subject.perSecond)),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    figures: mediansOf(pairs.map((pair) => pair.subject.figures ?? {})),
    othersPercent: spreadOf(others).median,
  }
}

/** How busy the processors are while we do nothing: with much of that, the figures say little. */
async function busyPercent(): Promise<number> {
  const before = processorMs()
  await new Promise((resolve) => setTimeout(resolve, PROBE_MS))
  const after = processorMs()
  return (100 * (after.busy - before.busy)) / Math.max(1, after.all - before.all)
}

function processorMs(): { busy: number; all: number } {
  const all = cpus().flatMap(({ times }) => Object.values(times))
  const idle = cpus().map(({ times }) => times.idle)
  return { busy: sumOf(all) - sumOf(idle), all: sumOf(all) }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
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
