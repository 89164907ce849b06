import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createWallet, faucet, spawnEvmChain, tokenBalance } from '@souk/devchain/evm'
import { spawnSolanaChain } from '@souk/devchain/solana'
import sql from 'sql-template-tag'
import type { Hex } from 'viem'
import { readConfig } from '#platform/config/index'
import { openStore, type Store } from '#platform/db'
import type { BuyingLoad } from './buying-load.ts'
import { environmentOf, type ServerProcess, startListener, startLoad, startServer } from './children.ts'
import type { Ground } from './ground.ts'
import type { BenchOptions } from './options.ts'
import type { Asked } from './payer.ts'
import type { Peer } from './peer.ts'
import type { CaseReport } from './report.ts'
import { compare, type Side } from './rounds.ts'
import type { StockSeller } from './stock-seller.ts'

const LOAD = programOf('buying-load')
const STOCK_SELLER = programOf('stock-seller')
const INSTANT_MARKET = programOf('instant-market')
const CALLERS = 64
const PAYERS = 16
const PRICE_CENTS = 1
const FORTUNE = 1_000_000_000_000n
const WARM_UP_SECONDS = 4

/** What differs between the cases, and how much better than stock Souk is to be. */
const CASES = [
  { name: 'paid calls, every signature verified, settled at once', instant: true, pays: true, goal: 3 },
  { name: 'paid calls, settled on the local chain', instant: false, pays: true, goal: 1 },
  { name: '402 challenges', instant: false, pays: false, goal: 2 },
] as const

type Case = (typeof CASES)[number]

/**
 * Buying with a wallet, beside a seller who uses `@x402/express` and the stock facilitator, in its own process, on the
 * same chain. Souk asks its seller over HTTP and keeps purchase, settlement, receipt and reputation; the stock seller answers by
 * itself and keeps nothing.
 */
export async function benchBuying(ground: Ground, _peer: Peer, options: BenchOptions): Promise<CaseReport[]> {
  const [evm, solana, seller] = await Promise.all([
    spawnEvmChain({ dataDir: null }),
    spawnSolanaChain({ dataDir: join(ground.folder, 'buying-solana'), mint: readConfig({}).solana.mint }),
    openSeller(),
  ])
  try {
    const wallets = await Promise.all(Array.from({ length: PAYERS }, createWallet))
    for (const { address } of wallets) await faucet({ rpcUrl: evm.rpcUrl, address, amount: FORTUNE })
    const place = {
      ...{ ground, rpcUrl: evm.rpcUrl, solanaRpcUrl: solana.rpcUrl, sellerUrl: seller.url },
      secretKeys: wallets.map(({ secretKey }) => secretKey as Hex),
    }
    const reports: CaseReport[] = []
    for (const about of CASES) reports.push(await benchCase(place, about, options))
    return reports
  } finally {
    seller.close()
    await Promise.all([evm.close(), solana.close()])
  }
}

interface Place {
  readonly ground: Ground
  readonly rpcUrl: string
  readonly solanaRpcUrl: string
  readonly sellerUrl: string
  readonly secretKeys: readonly Hex[]
}

async function benchCase(place: Place, about: Case, options: BenchOptions): Promise<CaseReport> {
  const { name, goal } = about
  process.stderr.write(`${name} `)
  const subject = await openSubject(place, about)
  const peer = await openStock(place, about, subject.asked)
  try {
    const comparison = await compare({ peer, subject }, options)
    const transfersAtEnd = Number(await receiptsIn(subject.store))
    return {
      ...{ bench: 'buying', name: `${name}, ${CALLERS} callers, beside @x402/express`, callers: CALLERS, goal },
      ...{ ...comparison, existing: 0, transfersAtEnd },
    }
  } finally {
    await peer.close()
    await subject.close()
  }
}

interface Subject extends Side {
  readonly asked: Asked
  readonly store: Store
  close(): Promise<void>
}

async function openSubject(
  { ground, rpcUrl, solanaRpcUrl, sellerUrl, secretKeys }: Place,
  about: Case,
): Promise<Subject> {
  const databaseUrl = await ground.makeMarket('buying')
  const dataDir = join(ground.folder, `buying-${CASES.indexOf(about)}`)
  const env = { EVM_RPC_URL: rpcUrl, SOLANA_RPC_URL: solanaRpcUrl }
  const server = await (about.instant
    ? startListener(INSTANT_MARKET, { env: environmentOf({ databaseUrl, dataDir, env }) })
    : startServer({ databaseUrl, dataDir, env }))
  const store = openStore({ url: databaseUrl, maxConnections: 2 })
  const { address: payTo } = await createWallet()
  const offerId = await listOffer(server.url, { endpoint: sellerUrl, payTo })
  const path = `/x402/${offerId}`
  const asked = await askedAt(new URL(path, server.url))
  const load = await startLoad(LOAD, loadOf(server, { path, pay: about.pays ? { asked, secretKeys } : null }))
  return {
    asked,
    store,
    warmUpSeconds: WARM_UP_SECONDS,
    run: async (seconds) => {
      const before = { receipts: await receiptsIn(store), earned: await earnedBy(payTo, rpcUrl, asked) }
      const cpu = server.cpuMicros()
      const { slice, acts } = await load.run(seconds)
      const cpuMicrosEach = cpu === null ? 0 : ((server.cpuMicros() ?? 0) - cpu) / acts
      const paid = about.pays ? BigInt(acts) : 0n
      const receipts = (await receiptsIn(store)) - before.receipts
      if (receipts !== paid) throw new Error(`${paid} purchases were answered, and there are ${receipts} receipts more`)
      const earned = (await earnedBy(payTo, rpcUrl, asked)) - before.earned
      if (!about.instant && earned !== paid * BigInt(asked.amount))
        throw new Error(`${paid} purchases were answered, and the seller has ${earned} more`)
      return { ...slice, figures: { serverCpuMicrosEach: cpuMicrosEach } }
    },
    close: async () => {
      await load.close()
      await server.close()
      await store.close()
      await ground.dropDatabase(databaseUrl)
    },
  }
}

async function openStock(
  { rpcUrl, secretKeys }: Place,
  about: Case,
  asked: Asked,
): Promise<Side & { close(): Promise<void> }> {
  const relayer = await createWallet()
  await faucet({ rpcUrl, address: relayer.address, amount: 0n })
  const { address: payTo } = await createWallet()
  const { network, asset, amount: priceMicros, extra } = asked
  const told: StockSeller = {
    ...{ network, rpcUrl: about.instant ? null : rpcUrl, secretKey: relayer.secretKey as Hex, payTo, priceMicros },
    token: { address: asset as Hex, name: extra.name, version: extra.version },
  }
  const server = await startListener(STOCK_SELLER, { args: [JSON.stringify(told)] })
  const path = '/shout'
  const own = await askedAt(new URL(path, server.url))
  const load = await startLoad(LOAD, loadOf(server, { path, pay: about.pays ? { asked: own, secretKeys } : null }))
  return {
    warmUpSeconds: WARM_UP_SECONDS,
    run: async (seconds) => (await load.run(seconds)).slice,
    close: async () => {
      await load.close()
      await server.close()
    },
  }
}

function loadOf({ url }: ServerProcess, what: Pick<BuyingLoad, 'path' | 'pay'>): BuyingLoad {
  return { host: url.hostname, port: Number(url.port), callers: CALLERS, ...what }
}

/** An agent that is paid to its wallet, and the one thing it sells. */
async function listOffer(url: URL, { endpoint, payTo }: { endpoint: string; payTo: string }): Promise<string> {
  const agent = { name: 'Shouter', description: 'Says it louder.', walletAddress: payTo }
  const { apiKey } = await post<{ apiKey: string }>(new URL('/api/v1/agents', url), { body: agent })
  const offer = {
    ...{ title: 'Shout', description: 'Says it louder.', category: 'text', priceCents: PRICE_CENTS },
    ...{ offerType: 'api', endpoint, httpMethod: 'POST' },
  }
  return (await post<{ offerId: string }>(new URL('/api/v1/offers', url), { body: offer, key: apiKey })).offerId
}

async function post<T>(url: URL, { body, key }: { body: object; key?: string }): Promise<T> {
  const headers = { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${url.pathname}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

async function askedAt(url: URL): Promise<Asked> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  const header = answer.headers.get('payment-required')
  if (answer.status !== 402 || header === null)
    throw new Error(`${url.pathname}: ${answer.status} ${await answer.text()}`)
  const { accepts } = JSON.parse(Buffer.from(header, 'base64').toString()) as {
    accepts: (Asked & { network: string })[]
  }
  const asked = accepts.find(({ network }) => network.startsWith('eip155:'))
  if (!asked) throw new Error(`${url.pathname} takes no payment on EVM`)
  return asked
}

async function receiptsIn(store: Store): Promise<bigint> {
  return (await store.read.one<{ count: bigint }>(sql`select count(*) as count from receipt`))?.count ?? 0n
}

function earnedBy(owner: string, rpcUrl: string, { asset }: Asked): Promise<bigint> {
  return tokenBalance({ rpcUrl, owner, token: asset })
}

/** A seller's endpoint, as sellers run them. */
async function openSeller(): Promise<{ url: string; close(): void }> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { text: said } = JSON.parse(text) as { text: string }
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ loud: said.toUpperCase() }))
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/shout`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function programOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
}
