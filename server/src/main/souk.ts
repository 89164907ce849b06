import type { FastifyBaseLogger } from 'fastify'
import type { Logger } from 'pino'
import { catalogStats } from '#catalog'
import { createPayOut } from '#chain-purse'
import { createEvents, type Events } from '#events'
import { callbackUrlsOf, createAuthenticator, ownersOf, usableKeys, webhookSecretsOf } from '#identity'
import { rollUp } from '#ledger'
import { suspensionReader } from '#offers'
import { createEngine, lapseSweep, workOf } from '#orders'
import { type Config, deriveKey, type Secrets } from '#platform/config/index'
import { openStore, type Store } from '#platform/db'
import { enterEra } from '#platform/era'
import { buildHttp, type Http } from '#platform/http/app'
import { createAnswer, createAnswerBook, replayFirst } from '#platform/http/idempotency'
import { jwsKeyFrom } from '#platform/jws'
import { shareLookups } from '#platform/lookups'
import { createMetrics } from '#platform/metrics'
import { createOutbound } from '#platform/outbound/index'
import { type EventReader, readerSweep, registerReaders } from '#platform/outbox'
import { createSchemaValidator } from '#platform/strangers-schema/index'
import { createSweeper, type Sweep, type Sweeper } from '#platform/sweeps'
import { createReceiptIssuer, fundingReader, receiptKeyFrom, tallySweep } from '#receipts'
import type { SettlementChain } from '#settlement'
import { createSignIn, signInSweep } from '#sign-in'
import { createAgreedSchemas, directForm, promotionSweep } from '#trades/direct'
import { requestForm } from '#trades/requests'
import { createWebhooks } from '#webhooks'
import type { V1Context } from '../faces/v1/context.ts'
import { listingWebhookFormat } from '../faces/v1/listing-webhooks.ts'
import { requestWebhookFormat } from '../faces/v1/request-webhooks.ts'
import { jobWebhookFormat } from '../faces/v1/webhook-format.ts'
import { webhookNewsFormat } from '../faces/v1/webhook-news.ts'
import { createOfferSigner } from '../faces/x402/offer-receipt.ts'
import { openEcosystem } from './ecosystem.ts'
import { hangFaces } from './faces.ts'
import { limitsOf } from './limits.ts'
import { openProbes } from './probes.ts'
import { createStanding } from './standing.ts'
import { openWallet, type WalletPart } from './wallet.ts'
import { openX402, type X402Part } from './x402.ts'

export interface SoukOptions {
  readonly config: Config
  readonly secrets: Secrets
  readonly databaseUrl: string
  readonly solanaRpcUrl: string
  /** Null: this market does without EVM. */
  readonly evmRpcUrl: string | null
  readonly publicUrl: string
  readonly version: string
  readonly log: Logger
  /** Ports this machine's strangers may never be sent to. */
  readonly ownPorts: () => readonly number[]
  /** Between the facilitator and its EVM chain; benchmarks put a chain there that answers at once. */
  readonly settlesOver?: (chain: SettlementChain) => SettlementChain
}

/** A whole market, ready to listen and to sweep. */
export interface Souk {
  readonly http: Http
  readonly store: Store
  readonly sweeper: Sweeper
  readonly wallet: WalletPart
  close(): Promise<void>
}

const CONNECTIONS = 20
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** The composition root: the only place that knows every module and every face. */
export async function openSouk(options: SoukOptions): Promise<Souk> {
  const core = createCore(options)
  const { store } = core
  await enterEra(store)
  const wallet = await openWallet({ ...options, ...core })
  const { events, webhooks } = openEvents(options, core)
  const probes = openProbes(options, core)
  const readers: EventReader[] = [events.reader, catalogStats, fundingReader, suspensionReader, probes.reader]
  await registerReaders(store, readers)
  const rails = wallet.wallets.map(({ rail }) => rail)
  const x402 = await openX402({ ...options, ...core, probes, rails })
  const ecosystem = await openEcosystem({ ...options, ...core }, x402)
  const sweeper = createSweeper(
    [
      lapseSweep(store, core.engine),
      promotionSweep(store, core.engine),
      tallySweep(store, ownersOf),
      signInSweep(store),
      ...readers.map((reader) => readerSweep(store, reader)),
      ...events.sweeps,
      ...webhooks.sweeps,
      probes.sweep,
      ...wallet.wallets.flatMap(({ sweeps }) => sweeps),
      ...x402.sweeps,
      ...ecosystem,
      ...housekeeping(core),
    ],
    options.log,
  )
  store.onCommit(sweeper.wake)
  const http = await openHttp(options, { core, wallet, x402, events, sweeper })
  return {
    http,
    store,
    sweeper,
    wallet,
    close: async () => {
      await http.close()
      await sweeper.stop()
      await webhooks.settled()
      core.outbound.close()
      await core.validator.close()
      await Promise.all([store.close(), core.leaseStore.close()])
    },
  }
}

export type Core = ReturnType<typeof createCore>

/** What everything else is made of; nothing here listens, sweeps or speaks to a chain. */
function createCore({ config, secrets, databaseUrl, publicUrl, ownPorts }: SoukOptions) {
  const store = openStore({ url: databaseUrl, maxConnections: CONNECTIONS })
  const receiptKey = receiptKeyFrom(Buffer.from(deriveKey(secrets.masterSecret, 'receipts')))
  const sealingKey = deriveKey(secrets.masterSecret, 'sealing')
  const standing = createStanding(store.read)
  const issueReceipts = createReceiptIssuer({ key: receiptKey, issuer: publicUrl })
  return {
    store,
    // One connection that nothing else can use up.
    leaseStore: openStore({ url: databaseUrl, maxConnections: 1, applicationName: 'souk-leases' }),
    sealingKey,
    receiptKey,
    receiptSecret: deriveKey(secrets.masterSecret, 'receipt-signatures'),
    outbound: createOutbound({ allowLoopback: !config.live, ownPorts, ownDoor: (url) => isCatchAll(url, publicUrl) }),
    validator: createSchemaValidator(),
    issueReceipts,
    engine: createEngine({ forms: [directForm, requestForm], issueReceipts, payOut: createPayOut() }),
    answers: createAnswerBook(store, sealingKey),
    standing,
    direct: { settings: config.market, schemas: createAgreedSchemas(), trustsOf: standing.trustsOf },
    offerSigner: createOfferSigner(jwsKeyFrom(deriveKey(secrets.masterSecret, 'x402-offers')), publicUrl),
    signIn: createSignIn({ key: deriveKey(secrets.masterSecret, 'sign-in'), publicUrl, networks: networksOf(config) }),
  }
}

/** Where wallets that sign in may be. */
function networksOf({ evm, solana }: Config): string[] {
  return [...(evm === null ? [] : [`eip155:${evm.chainId}`]), solana.network]
}

/** The sandbox's own receiver of webhooks; in live mode no URL reaches this machine anyway. */
function isCatchAll(url: URL, publicUrl: string): boolean {
  return url.port === new URL(publicUrl).port && url.pathname.startsWith('/sandbox/hooks/')
}

/** What parties are told, and the webhooks that are made of it. */
function openEvents({ log }: SoukOptions, { store, outbound, standing, sealingKey }: Core) {
  const worksOf = shareLookups(workOf)
  const urlsOf = shareLookups(callbackUrlsOf)
  const format = jobWebhookFormat({
    orderInput: async (db, orderId) => (await worksOf(db, [orderId])).get(orderId)?.input,
    callbackUrlsOf: urlsOf,
    reputationOf: shareLookups(standing.reputationOf),
  })
  const formats = [
    format,
    listingWebhookFormat({ callbackUrlsOf: urlsOf }),
    requestWebhookFormat({ callbackUrlsOf: urlsOf }),
    webhookNewsFormat({ callbackUrlsOf: urlsOf }),
  ]
  const webhooks = createWebhooks({
    ...{ store, outbound, formats, log },
    secretsOf: (db, partyIds) => webhookSecretsOf(db, partyIds, sealingKey),
  })
  return { webhooks, events: createEvents({ store, formats, log, usableKeys, handOn: webhooks.take }) }
}

interface HttpParts {
  readonly core: Core
  readonly wallet: WalletPart
  readonly x402: X402Part
  readonly events: Events
  readonly sweeper: Sweeper
}

async function openHttp(options: SoukOptions, { core, wallet, x402, events, sweeper }: HttpParts): Promise<Http> {
  const { config, log, publicUrl, version, secrets } = options
  const { store, standing, answers, sealingKey, receiptSecret, outbound, validator, engine, receiptKey } = core
  const context: V1Context = {
    ...standing,
    ...wallet.context,
    ...{ store, answers, outbound, validator, engine, publicUrl, sealingKey, receiptSecret, signIn: core.signIn },
    read: store.read,
    answer: createAnswer(store, answers),
    direct: core.direct,
    sellsToWallets: x402.jobs !== null,
    market: config.market,
    sandbox: !config.live,
  }
  const http = await buildHttp({
    ...{ log: log as FastifyBaseLogger, publicUrl, version },
    authenticate: createAuthenticator(store),
    operatorKey: secrets.operatorKey,
    limits: limitsOf(config),
    trustProxy: config.http.trustProxy,
  })
  replayFirst(http, answers)
  const metrics = createMetrics()
  metrics.watch(http)
  metrics.watchSweeps(sweeper)
  const { solanaRpcUrl, evmRpcUrl } = options
  await hangFaces(http, {
    config,
    version,
    publicUrl,
    context,
    store,
    sweeper,
    wallet,
    x402,
    events,
    metrics,
    receiptKey,
    didDocument: core.offerSigner.didDocument,
    solanaRpcUrl,
    evmRpcUrl,
  })
  return http
}

function housekeeping({ store, answers }: Core): Sweep[] {
  return [
    // Does all there is to do in one run, so it answers that nothing is left.
    { name: 'ledger:roll-up', everyMs: MINUTE_MS, ignoresWakes: true, run: async () => (await rollUp(store)) * 0 },
    { name: 'answers:purge', everyMs: HOUR_MS, ignoresWakes: true, run: () => answers.purge() },
  ]
}
