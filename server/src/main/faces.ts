import type { Events } from '#events'
import type { Config } from '#platform/config/index'
import type { Store } from '#platform/db'
import type { Http } from '#platform/http/app'
import type { Metrics } from '#platform/metrics'
import type { Sweeper } from '#platform/sweeps'
import type { ReceiptKey } from '#receipts'
import { operatorAgentRoutes } from '../faces/operator/agents.ts'
import { operatorAuditRoutes } from '../faces/operator/audit.ts'
import { operatorEcosystemRoutes } from '../faces/operator/ecosystem.ts'
import { operatorFeeRoutes } from '../faces/operator/fees.ts'
import { operatorRequestRoutes } from '../faces/operator/requests.ts'
import { operatorWalletRoutes } from '../faces/operator/wallet.ts'
import { operatorWebhookRoutes } from '../faces/operator/webhooks.ts'
import { welcomeRoutes } from '../faces/pages/welcome.ts'
import { sandboxRoutes } from '../faces/sandbox/index.ts'
import { healthRoutes, type Vital } from '../faces/system/health.ts'
import { agentRoutes } from '../faces/v1/agents.ts'
import { authRoutes } from '../faces/v1/auth.ts'
import type { V1Context } from '../faces/v1/context.ts'
import { discoverRoutes } from '../faces/v1/discover.ts'
import { eventRoutes } from '../faces/v1/events.ts'
import { jobRoutes } from '../faces/v1/jobs.ts'
import { offerHealthRoutes } from '../faces/v1/offer-health.ts'
import { offerRoutes } from '../faces/v1/offers.ts'
import { receiptRoutes } from '../faces/v1/receipts.ts'
import { type RequestContext, requestRoutes } from '../faces/v1/requests.ts'
import { serviceRoutes } from '../faces/v1/services.ts'
import { walletRoutes } from '../faces/v1/wallet.ts'
import { walletSignInRoutes } from '../faces/v1/wallet-sign-in.ts'
import { webhookRoutes } from '../faces/v1/webhooks.ts'
import { didRoutes } from '../faces/wellknown/did.ts'
import { jwksRoutes } from '../faces/wellknown/jwks.ts'
import { buyRoutes } from '../faces/x402/buy.ts'
import { discoveryRoutes, wellKnownX402Routes } from '../faces/x402/discovery.ts'
import { facilitatorRoutes } from '../faces/x402/facilitator.ts'
import { walletJobRoutes } from '../faces/x402/job-routes.ts'
import { legacyBuyRoutes } from '../faces/x402/legacy-buy.ts'
import type { DidDocument } from '../faces/x402/offer-receipt.ts'
import { purchaseRoutes } from '../faces/x402/purchases.ts'
import type { WalletPart } from './wallet.ts'
import type { X402Part } from './x402.ts'

export interface FaceParts {
  readonly config: Config
  readonly version: string
  readonly publicUrl: string
  readonly context: V1Context
  readonly store: Store
  readonly sweeper: Sweeper
  readonly wallet: WalletPart
  readonly x402: X402Part
  readonly events: Events
  readonly metrics: Metrics
  readonly receiptKey: ReceiptKey
  readonly didDocument: DidDocument
  readonly solanaRpcUrl: string
  readonly evmRpcUrl: string | null
}

/** A background loop that has not ended well for so long makes the server unready. */
const SWEEP_STALE_MS = 60_000

/** Every way in. A process that only works in the background shows its health and nothing else. */
export async function hangFaces(http: Http, parts: FaceParts): Promise<void> {
  const { config, version, publicUrl, context, store, sweeper, wallet, metrics, receiptKey } = parts
  await http.register(healthRoutes({ version, mode: config.mode, vitals: vitalsOf(parts), metrics }))
  if (config.role === 'worker') return
  await http.register(welcomeRoutes({ publicUrl, sandbox: !config.live }))
  await http.register(jwksRoutes([receiptKey.jwk]))
  await http.register(didRoutes(parts.didDocument))
  for (const routes of [
    authRoutes,
    agentRoutes,
    serviceRoutes,
    jobRoutes,
    offerRoutes,
    receiptRoutes,
    walletRoutes,
    webhookRoutes,
    discoverRoutes,
    walletSignInRoutes,
    offerHealthRoutes,
  ]) {
    await http.register(routes(context), { prefix: '/api/v1' })
  }
  await http.register(requestRoutes(requestContext(parts)), { prefix: '/api/v1' })
  await http.register(eventRoutes({ read: store.read, ...parts.events }), { prefix: '/api/v1' })
  const { facilitators, buying, jobs } = parts.x402
  await http.register(buyRoutes(buying))
  await http.register(legacyBuyRoutes(buying), { prefix: '/api/v1' })
  if (jobs) await http.register(walletJobRoutes({ ...buying, ...jobs.sales, ...jobs, ...context }))
  // Clients look for the lists behind the address of the facilitator, too.
  for (const prefix of ['', '/facilitator']) await http.register(discoveryRoutes(buying), { prefix })
  await http.register(wellKnownX402Routes(buying))
  await http.register(purchaseRoutes(buying), { prefix: '/api/v1' })
  await http.register(facilitatorRoutes({ facilitators, live: config.live }), { prefix: '/facilitator' })
  operatorWebhookRoutes(http, { store })
  const operator = { store, wallet: wallet.wallet, wallets: wallet.wallets, answer: context.answer }
  for (const routes of [operatorAgentRoutes, operatorWalletRoutes, operatorFeeRoutes, operatorEcosystemRoutes]) {
    await http.register(routes(operator), { prefix: '/api/v1/admin' })
  }
  await http.register(operatorRequestRoutes(context), { prefix: '/api/v1/admin' })
  const chain = () => Promise.all(wallet.wallets.map((each) => each.audit()))
  const audit = operatorAuditRoutes({ store, receiptKeys: [receiptKey.jwk], chain })
  await http.register(audit, { prefix: '/api/v1/admin' })
  if (config.live) return
  const solana = { rpcUrl: parts.solanaRpcUrl, mint: config.solana.mint }
  const base =
    config.evm === null || parts.evmRpcUrl === null
      ? null
      : { rpcUrl: parts.evmRpcUrl, chainId: config.evm.chainId, token: config.evm.token }
  await http.register(sandboxRoutes({ store, sweeper, publicUrl, solana, base, loopback: config.http.loopback }))
}

/** A provider's wallet on a network is one it is paid to, or one that it has proven. */
function requestContext({ context, x402 }: FaceParts): RequestContext {
  const { read } = context
  const payeesOf = async (partyId: string) => (x402 === null ? [] : x402.buying.payeesOf(partyId))
  return {
    ...context,
    payments: x402?.payments ?? null,
    payeesOf,
    isPayoutWalletOf: async ({ partyId, network, address }) => {
      const payees = await payeesOf(partyId)
      const isPaid = payees.some(({ chain, payTo }) => chain.network === network && chain.isSame(payTo, address))
      return isPaid || (x402?.buying.isWalletOf(read, { partyId, network, address }) ?? false)
    },
  }
}

function vitalsOf({ config, store, wallet, sweeper }: FaceParts): Vital[] {
  const database: Vital = {
    name: 'database',
    check: async () => {
      await store.now()
    },
  }
  const worker: Vital = { name: 'worker', check: async () => checkSweeps(sweeper) }
  return [database, ...wallet.vitals, ...(config.role === 'web' ? [] : [worker])]
}

function checkSweeps(sweeper: Sweeper): void {
  const stuck = Object.entries(sweeper.health()).filter(
    ([, { lastRunAt, lastError }]) =>
      lastError !== null && (lastRunAt === null || Date.now() - lastRunAt.getTime() > SWEEP_STALE_MS),
  )
  const [first] = stuck
  if (first) throw new Error(`${first[0]}: ${first[1].lastError}`)
}
