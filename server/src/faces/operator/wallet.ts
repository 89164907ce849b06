import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { offsetOf } from '#kernel/page'
import type { Store } from '#platform/db'
import { rules } from '#platform/http/rules'
import {
  allPayouts,
  countPayouts,
  type Finding,
  listFindings,
  resolveFinding,
  retryPayout,
  revenueOf,
  type Wallet,
} from '#wallet'
import { MicrosView } from '../v1/amounts.ts'
import { PageQuery, PaginationView, pageOf, paginationView } from '../v1/paging.ts'
import { WithdrawalView, withdrawalView } from '../v1/wallet-view.ts'

const tags = ['operator']
const config = rules({ auth: 'operator' })
const Params = Type.Object({ id: Type.String() })
const TextOrNull = Type.Union([Type.String(), Type.Null()])
const OpenQuery = Type.Object({
  ...PageQuery.properties,
  all: Type.Optional(Type.Boolean({ default: false, description: 'Ended ones too' })),
})

const FindingView = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  subject: Type.String({ description: 'What it is about' }),
  details: Type.Record(Type.String(), Type.Unknown()),
  openedAt: Type.String(),
  seenAt: Type.String({ description: 'When it was last found again' }),
  resolvedAt: TextOrNull,
  note: TextOrNull,
})

const PayoutView = Type.Object({ ...WithdrawalView.properties, partyId: TextOrNull })

const HotWalletView = Type.Object({
  network: Type.String(),
  address: Type.String({ description: "The market's own wallet, which payouts leave from" }),
  tokenAccount: Type.String(),
  spendable: MicrosView,
  feePayer: Type.String({ description: "Pays the network's fees; keep it supplied" }),
  feeBalance: Type.String({ description: 'In the smallest unit of what the network takes for fees' }),
  canPayFees: Type.Boolean({ description: 'false: payouts wait until the fee payer is supplied' }),
})

/** Where books and chain need a person: the market's own wallet, findings, and the payouts of everybody (D-17, D-34). */
export const operatorWalletRoutes =
  ({ store, wallets }: { store: Store; wallets: readonly Wallet[] }): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(hotWalletRoutes(store, wallets))
    await app.register(findingRoutes(store))
    await app.register(payoutRoutes(store))
  }

const hotWalletRoutes =
  (store: Store, wallets: readonly Wallet[]): FastifyPluginAsyncTypebox =>
  async (app) => {
    const View = Type.Object({
      hotWallets: Type.Array(HotWalletView, { description: 'One a network' }),
      revenue: { ...MicrosView, description: 'Fees earned; POST /api/v1/admin/fees/payout pays them out' },
    })
    const schema = { tags, summary: "The market's own wallet", response: { 200: View } }
    app.get('/wallet', { config, schema }, async () => {
      const [revenue, ...hot] = await Promise.all([revenueOf(store.read), ...wallets.map((each) => each.hotWallet())])
      const hotWallets = hot.map(({ spendable, feeBalance, ...rest }) => {
        return { ...rest, spendable: String(spendable), feeBalance: String(feeBalance) }
      })
      return { hotWallets, revenue: String(revenue) }
    })
  }

const findingRoutes =
  (store: Store): FastifyPluginAsyncTypebox =>
  async (app) => {
    const List = Type.Object({ findings: Type.Array(FindingView), pagination: PaginationView })
    const list = {
      tags,
      summary: 'What does not add up, newest first',
      querystring: OpenQuery,
      response: { 200: List },
    }
    app.get('/findings', { config, schema: list }, async ({ query }) => {
      const page = pageOf(query)
      const { items, total } = await listFindings(store.read, { openOnly: !query.all, page })
      return { findings: items.map(findingView), pagination: paginationView(page, total) }
    })

    const body = Type.Object({ note: Type.String({ minLength: 1, maxLength: 2000 }) }, { additionalProperties: false })
    const close = { tags, summary: 'Close a finding with a note', params: Params, body, response: { 200: FindingView } }
    app.post('/findings/:id/resolve', { config, schema: close }, async ({ params: { id }, body: { note } }) =>
      findingView(await store.transact((tx) => resolveFinding(tx, { id, note }))),
    )
  }

const payoutRoutes =
  (store: Store): FastifyPluginAsyncTypebox =>
  async (app) => {
    const List = Type.Object({ payouts: Type.Array(PayoutView), pagination: PaginationView })
    const list = { tags, summary: 'Payouts under way, newest first', querystring: OpenQuery, response: { 200: List } }
    app.get('/payouts', { config, schema: list }, async ({ query }) => {
      const [page, openOnly] = [pageOf(query), !query.all]
      const [payouts, total] = await Promise.all([
        allPayouts(store.read, { openOnly, limit: page.limit, offset: offsetOf(page) }),
        countPayouts(store.read, { openOnly }),
      ])
      const views = payouts.map((payout) => ({ ...withdrawalView(payout), partyId: payout.partyId }))
      return { payouts: views, pagination: paginationView(page, total) }
    })

    const Message = Type.Object({ message: Type.String() })
    const retry = {
      tags,
      summary: 'Look at a payout now, not after its pause',
      params: Params,
      response: { 200: Message },
    }
    app.post('/payouts/:id/retry', { config, schema: retry }, async ({ params: { id } }) => {
      await store.transact((tx) => retryPayout(tx, id))
      return { message: 'The payout will be looked at now.' }
    })
  }

function findingView(finding: Finding): Static<typeof FindingView> {
  const { id, kind, subject, details, note } = finding
  return {
    ...{ id, kind, subject, details: { ...details }, note },
    openedAt: finding.openedAt.toISOString(),
    seenAt: finding.seenAt.toISOString(),
    resolvedAt: finding.resolvedAt?.toISOString() ?? null,
  }
}
