import { Fault } from './fault.ts'
import type { Command } from './run.ts'
import { askOperator } from './server.ts'
import { columns, usdc } from './text.ts'

interface Report {
  readonly ok: boolean
  readonly at: string
  readonly durationMs: number
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly checked: number
    readonly differences: readonly { readonly subject: string; readonly expected: string; readonly found: string }[]
  }[]
  readonly networks: readonly {
    readonly network: string
    readonly liabilities: string
    readonly holdings: string
    readonly inFlight: string
    readonly uncredited: string
    readonly covered: boolean
  }[]
}

/** Checks the books: prints every check with what it found. 0 when they are in order, 1 when something differs. */
export const audit: Command = async (args, surroundings) => {
  if (args.length > 0) throw new Fault(`souk audit takes no arguments, and was given: ${args.join(' ')}`)
  const report = await askOperator('/api/v1/admin/audit', surroundings)
  if (!isReport(report)) throw new Fault('The answer is not an audit. Is SOUK_URL a server of this version?')
  for (const line of [...linesOf(report), '', verdictOf(report)]) surroundings.out(line)
  return report.ok ? 0 : 1
}

function isReport(body: unknown): body is Report {
  const { ok, checks, networks } = (body ?? {}) as Partial<Report>
  return typeof ok === 'boolean' && Array.isArray(checks) && Array.isArray(networks)
}

function linesOf({ at, durationMs, checks, networks }: Report): string[] {
  const rows = checks.map(({ name, ok, checked }) => [ok ? 'ok' : 'DIFFERS', name, String(checked)])
  const table = columns([['', 'check', 'looked at'], ...rows], ['left', 'left', 'right'])
  const shown = checks.flatMap(({ differences }, index) => [
    table[index + 1] as string,
    ...differences.map(({ subject, expected, found }) => `         ${subject}: expected ${expected}, found ${found}`),
  ])
  const chains = networks.map((one) => {
    const amounts = [one.liabilities, one.holdings, one.inFlight, one.uncredited].map(usdc)
    return [one.covered ? 'covered' : 'SHORT', one.network, ...amounts]
  })
  const headings = ['', 'network, in USDC', 'owed', 'held', 'in flight', 'not credited']
  return [
    `The books at ${at}, checked in ${durationMs / 1000} s`,
    '',
    table[0] as string,
    ...shown,
    ...(chains.length === 0
      ? []
      : ['', ...columns([headings, ...chains], ['left', 'left', 'right', 'right', 'right', 'right'])]),
  ]
}

function verdictOf({ ok, checks }: Report): string {
  const wrong = checks.filter((check) => !check.ok).length
  return ok ? 'Everything is in order.' : `${wrong} of ${checks.length} checks found differences.`
}
