import type { GroundFacts } from './ground.ts'
import type { Comparison, Spread } from './rounds.ts'

/** What one case came to. */
export interface CaseReport extends Comparison {
  readonly bench: string
  readonly name: string
  /** What differs between cases that measure growth is only this. */
  readonly existing: number
  readonly transfersAtEnd: number
  readonly callers: number
  /** In multiples of the peer; shown, never asserted. */
  readonly goal: number
}

const QUIET_PERCENT = 10

export function printFacts(facts: GroundFacts, peerName: string): void {
  const { settings, fdatasyncMs } = facts
  const told = Object.entries(settings).map(([name, value]) => `${name} ${value}`)
  console.log(
    [
      `PostgreSQL ${facts.postgres}${facts.embedded ? ' (embedded)' : ''}: ${told.join(', ')}`,
      `machine     ${facts.cores} × ${facts.cpu}, ${facts.memoryGb} GB${fdatasyncMs === null ? '' : `, fdatasync of 8 kB ${fdatasyncMs} ms`}`,
      `Node.js     ${facts.node}`,
      `peer        ${peerName}`,
      '',
    ].join('\n'),
  )
}

export function printReports(reports: readonly CaseReport[]): void {
  const rows = reports.map((report) => [
    report.name,
    `${short(report.existing)} → ${short(report.transfersAtEnd)}`,
    rate(report.subject.median),
    rate(report.peer.median),
    ratio(report.ratio),
    `${report.goal}${report.ratio.median >= report.goal ? ' reached' : ''}`,
    `${millis(report.p50Ms)} / ${millis(report.p99Ms)}`,
    `${report.othersPercent.toFixed(0)} %`,
    Object.entries(report.figures)
      .map(([name, value]) => `${name} ${value.toFixed(value < 10 ? 2 : 0)}`)
      .join(', '),
  ])
  const heads = [
    'case',
    'transfers',
    'a second',
    'peer',
    'ratio (min..max)',
    'goal',
    'p50 / p99 ms',
    'others',
    'besides',
  ]
  printTable([heads, ...rows])
  for (const line of growthLines(reports)) console.log(line)
  const busiest = Math.max(0, ...reports.map(({ othersPercent }) => othersPercent))
  if (busiest > QUIET_PERCENT) {
    console.log(`\nOther programs used up to ${busiest.toFixed(0)} % of the processors: measure again when they rest.`)
  }
}

/** What one costs on old books, against young ones: the peer is the yardstick of both. */
function growthLines(reports: readonly CaseReport[]): string[] {
  return [...new Set(reports.map(({ name }) => name))].flatMap((name) => {
    const [young, ...older] = reports.filter((report) => report.name === name)
    if (!young) return []
    return older.map((old) => {
      const times = young.ratio.median / old.ratio.median
      return `${name}: with ${short(old.existing)} transfers in the books one costs ${times.toFixed(2)} times what it does with ${short(young.existing)}`
    })
  })
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  console.log()
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  console.log()
}

function ratio({ min, median, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}..${max.toFixed(2)})`
}

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en-US')
}

function millis(value: number | null): string {
  return value === null ? '–' : value.toFixed(1)
}

function short(count: number): string {
  if (count >= 1_000_000) return `${(count / 1_000_000).toFixed(count % 1_000_000 === 0 ? 0 : 2)} M`
  return `${Math.round(count / 1000)} k`
}
