import { type OpenSeller, startSeller } from './seller.ts'

/** Somebody else's market, as far as its list of resources goes. */
export interface Bazaar extends OpenSeller {
  items: unknown[]
  /** URLs it was asked for, as path and query. */
  readonly asked: string[]
  /** Answers in the place of the list, as long as it says anything. */
  instead: ((url: URL) => { status: number; body: string } | undefined) | undefined
}

export async function startBazaar(items: unknown[] = []): Promise<Bazaar> {
  const asked: string[] = []
  const seller = await startSeller((request, response) => {
    const url = new URL(request.url ?? '', bazaar.url)
    asked.push(`${url.pathname}${url.search}`)
    const { status, body } = bazaar.instead?.(url) ?? { status: 200, body: pageOf(bazaar.items, url) }
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  const bazaar: Bazaar = { ...seller, items, asked, instead: undefined }
  return bazaar
}

function pageOf(items: readonly unknown[], { searchParams }: URL): string {
  const [limit, offset] = [Number(searchParams.get('limit')), Number(searchParams.get('offset'))]
  const pagination = { limit, offset, total: items.length }
  return JSON.stringify({ x402Version: 2, items: items.slice(offset, offset + limit), pagination })
}

const USDC = { network: 'eip155:84532', asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' }

/** A wallet of nobody, by number. */
export const walletOf = (n: number) => `0x${(n + 1).toString(16).padStart(40, 'a')}`

/** A plain resource of the second version. */
export function resource(n: number, fields: object = {}, paid: object = {}): Record<string, unknown> {
  return {
    ...{ resource: `http://127.0.0.1:9009/resource/${n}`, type: 'http', x402Version: 2 },
    accepts: [{ scheme: 'exact', ...USDC, amount: '1000', payTo: walletOf(n % 50), maxTimeoutSeconds: 60, ...paid }],
    ...{ lastUpdated: '2026-01-01T00:00:00.000Z', description: `Tells the number ${n}`, serviceName: `Numbers ${n}` },
    ...{ tags: ['numbers'], ...fields },
  }
}
