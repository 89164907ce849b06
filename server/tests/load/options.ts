import { parseArgs } from 'node:util'

const BENCHES = ['ledger', 'jobs', 'buying'] as const
export type BenchName = (typeof BENCHES)[number]

export interface BenchOptions {
  readonly benches: readonly BenchName[]
  /** Length of one slice. */
  readonly seconds: number
  /** Pairs of slices; the ratio is the median of theirs. */
  readonly rounds: number
  /** How many transfers the books hold already when a case begins. */
  readonly existing: readonly number[]
}

export const USAGE = `usage: npm run bench -- [ledger|jobs|buying|all] [--seconds N] [--rounds N] [--quick]

  --seconds N  length of a slice (3)
  --rounds N   pairs of slices, peer and subject in turn (5)
  --quick      2 rounds of 1 s, and 100 thousand existing transfers instead of a million

  BENCH_DATABASE_URL   a PostgreSQL to measure on instead of the embedded one; must be allowed to create databases`

export class UsageError extends Error {}

export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parse(args)
  const [name = 'all', ...rest] = positionals
  if (rest.length > 0 || (name !== 'all' && !BENCHES.includes(name as BenchName))) throw new UsageError(USAGE)
  const quick = values.quick === true
  return {
    benches: name === 'all' ? BENCHES : [name as BenchName],
    seconds: wholeNumber(values.seconds, quick ? 1 : 3),
    rounds: wholeNumber(values.rounds, quick ? 2 : 5),
    existing: quick ? [10_000, 100_000] : [10_000, 1_000_000],
  }
}

function parse(args: readonly string[]) {
  const options = { seconds: { type: 'string' }, rounds: { type: 'string' }, quick: { type: 'boolean' } } as const
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`)
  }
}

function wholeNumber(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(USAGE)
  return Number(text)
}
