import createClient, { type Client } from 'openapi-fetch'
import { type Bought, type BuyOptions, buy } from './buy.ts'
import { type Jwks, type ShownReceipt, type Verdict, verifyReceipt, verifyReceipts } from './receipt.ts'
import type { paths } from './wire.ts'

export interface SoukOptions {
  /** Where the market is: `https://souk.example`. */
  readonly baseUrl: string
  /** For the routes that ask who you are. It goes to the market alone, and never along with a payment. */
  readonly apiKey?: string
  /** What `buy` takes where a purchase does not say otherwise: a wallet, a store, the most that is paid. */
  readonly buying?: Partial<BuyOptions>
  readonly fetch?: typeof fetch
}

/** A market, and every route of it typed: `souk.GET('/api/v1/offers', { params: { query: { q: 'text' } } })`. */
export interface Souk extends Client<paths, `${string}/json`> {
  /** Buys an offer by its id, or whatever lies at a URL of x402. */
  buy(what: string | URL, options?: Partial<BuyOptions>): Promise<Bought>
  /** With the market's own keys, which are asked for once. */
  verifyReceipt(receipt: ShownReceipt): Promise<Verdict>
  verifyReceipts(receipts: readonly ShownReceipt[]): Promise<Verdict[]>
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function createSouk({ baseUrl, apiKey, buying = {}, fetch: ask = fetch }: SoukOptions): Souk {
  const base = new URL(baseUrl).href.replace(/\/+$/, '')
  const client = createClient<paths, `${string}/json`>({
    baseUrl: base,
    fetch: (request) => ask(request),
    ...(apiKey === undefined ? {} : { headers: { authorization: `Bearer ${apiKey}` } }),
  })
  let known: Promise<Jwks> | undefined
  const keys = () => {
    known ??= keysAt(base, ask)
    // A failure is not remembered.
    known.catch(() => {
      known = undefined
    })
    return known
  }
  return {
    ...client,
    buy: (what, options = {}) => {
      const url = typeof what === 'string' && ID.test(what) ? `${base}/x402/${what}` : what
      return buy(url, { fetch: ask, ...wholeOf({ ...buying, ...options }) })
    },
    verifyReceipt: async (receipt) => verifyReceipt(receipt, await keys()),
    verifyReceipts: async (receipts) => verifyReceipts(receipts, await keys()),
  }
}

function wholeOf(options: Partial<BuyOptions>): BuyOptions {
  const { wallet, maxPrice, store } = options
  if (!wallet || maxPrice === undefined || !store)
    throw new TypeError('buying takes a wallet, a maxPrice and a store: name them here or in createSouk')
  return { ...options, wallet, maxPrice, store }
}

async function keysAt(base: string, ask: typeof fetch): Promise<Jwks> {
  const answer = await ask(`${base}/.well-known/jwks.json`)
  if (!answer.ok) throw new Error(`${base} answered ${answer.status} when asked for its keys`)
  return (await answer.json()) as Jwks
}
