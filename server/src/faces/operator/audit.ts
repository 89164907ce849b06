import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { type AuditReport, auditBooks, type ChainReport, type VerifyingKey } from '#audit'
import type { Store } from '#platform/db'
import { rules } from '#platform/http/rules'
import { MicrosView } from '../v1/amounts.ts'

export interface AuditRouteDeps {
  readonly store: Store
  /** Every key that signs or has signed receipts. */
  readonly receiptKeys: readonly VerifyingKey[]
  readonly chain?: () => Promise<ChainReport>
}

const CheckView = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  checked: Type.Integer({ description: 'How many things were looked at' }),
  differences: Type.Array(Type.Object({ subject: Type.String(), expected: Type.String(), found: Type.String() }), {
    description: 'At most twenty of them',
  }),
})

const NetworkView = Type.Object({
  network: Type.String(),
  liabilities: MicrosView,
  holdings: MicrosView,
  inFlight: MicrosView,
  uncredited: MicrosView,
  covered: Type.Boolean(),
})

const AuditView = Type.Object({
  ok: Type.Boolean({ description: 'Whether every check is' }),
  at: Type.String({ format: 'date-time', description: 'The instant at which the books were read' }),
  durationMs: Type.Integer(),
  checks: Type.Array(CheckView),
  networks: Type.Array(NetworkView),
})

/** The books, checked now (D-18). Differences are an answer, not an error: 200 with `ok: false`. */
export const operatorAuditRoutes =
  ({ store, receiptKeys, chain }: AuditRouteDeps): FastifyPluginAsyncTypebox =>
  async (app) => {
    let running: Promise<AuditReport> | undefined
    // Who asks while an audit is at work gets its report: it reads whole tables, and one at a time is enough.
    const audit = () => {
      running ??= auditBooks(store, { receiptKeys, ...(chain ? { chain } : {}) }).finally(() => {
        running = undefined
      })
      return running
    }
    const config = rules({ auth: 'operator' })
    const schema = { tags: ['operator'], summary: 'Check the books now', response: { 200: AuditView } }
    app.get('/audit', { config, schema }, async () => auditView(await audit()))
  }

function auditView({ at, checks, networks, ...report }: AuditReport): Static<typeof AuditView> {
  return {
    ...report,
    at: at.toISOString(),
    checks: checks.map((check) => ({ ...check, differences: [...check.differences] })),
    networks: networks.map(({ network, covered, liabilities, holdings, inFlight, uncredited }) => ({
      network,
      liabilities: String(liabilities),
      holdings: String(holdings),
      inFlight: String(inFlight),
      uncredited: String(uncredited),
      covered,
    })),
  }
}
