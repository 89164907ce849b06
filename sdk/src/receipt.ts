import { bytesOf, fromBase64, sha256Hex, textOf } from './bytes.ts'
import { canonicalJson } from './canonical.ts'
import { recordOf } from './x402.ts'

/** A public key of a market, from `/.well-known/jwks.json`. */
export interface Jwk {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly kid: string
}

export interface Jwks {
  readonly keys: readonly Jwk[]
}

/** What a receipt says, every value a text; amounts in micro-units. */
export interface ReceiptFacts {
  /** Place in the chain, from 1. */
  readonly seq: string
  /** SHA-256 (hex) of the receipt before. */
  readonly previous: string
  readonly id: string
  readonly orderId: string
  readonly issuedAt: string
  readonly issuer: string
  readonly settlementType: string
  readonly buyerId: string
  readonly sellerId?: string
  readonly asset: string
  readonly price: string
  readonly payout: string
  readonly fee: string
  readonly network: string
  readonly txHash?: string
  readonly [name: string]: string | undefined
}

export type Verdict =
  | { readonly valid: true; readonly jws: string; readonly facts: ReceiptFacts }
  | { readonly valid: false; readonly jws: string; readonly fault: string }

/** A compact JWS, or a receipt as the market shows it: then what is shown must be what was signed, too. */
export type ShownReceipt = string | ({ readonly jws: string } & Readonly<Record<string, unknown>>)

const FIRST_PREVIOUS = '0'.repeat(64)
const TEXTS = [
  'id',
  'orderId',
  'issuedAt',
  'issuer',
  'settlementType',
  'buyerId',
  'asset',
  'price',
  'payout',
  'fee',
  'network',
]
const SHAPES: Readonly<Record<string, RegExp>> = {
  seq: /^[1-9]\d{0,18}$/,
  previous: /^[0-9a-f]{64}$/,
  price: /^\d{1,30}$/,
}
const MICROS_PER_CENT = 10_000n

/** Offline, with the market's public keys alone: that it signed exactly this (D-19). */
export async function verifyReceipt(receipt: ShownReceipt, jwks: Jwks): Promise<Verdict> {
  const jws = typeof receipt === 'string' ? receipt : receipt.jws
  const no = (fault: string): Verdict => ({ valid: false, jws, fault })
  const [header = '', payload = '', signature = '', ...more] = jws.split('.')
  const { alg, kid } = recordOf(jsonIn(header))
  if (alg !== 'EdDSA' || typeof kid !== 'string' || more.length > 0) return no('this is no signed receipt')
  const jwk = jwks.keys.find((each) => each.kid === kid && each.kty === 'OKP' && each.crv === 'Ed25519')
  if (!jwk) return no('its key is none of these keys')
  if (!(await isSigned(`${header}.${payload}`, { signature, jwk }))) return no('its signature is wrong: it was changed')
  const facts = jsonIn(payload)
  if (!isFacts(facts)) return no('it was signed, but is no receipt')
  if (canonicalJson(facts) !== textIn(payload))
    return no('it was signed, but is not canonical: two readers could differ')
  const shown = typeof receipt === 'string' ? undefined : differenceIn(receipt, facts)
  return shown === undefined ? { valid: true, jws, facts } : no(`${shown} is shown otherwise than it was signed`)
}

/** Each by itself, and those with neighbouring numbers as a chain; in the order in which they came. */
export async function verifyReceipts(receipts: readonly ShownReceipt[], jwks: Jwks): Promise<Verdict[]> {
  const alone = await Promise.all(receipts.map((each) => verifyReceipt(each, jwks)))
  const good = alone.filter((each) => each.valid)
  const hashes = new Map<string, Set<string>>()
  for (const { jws, facts } of good) {
    const twins = hashes.get(facts.seq) ?? new Set()
    hashes.set(facts.seq, twins.add(await sha256Hex(jws)))
  }
  return alone.map((each) => {
    if (!each.valid) return each
    const { jws, facts } = each
    if ((hashes.get(facts.seq)?.size ?? 0) > 1)
      return { valid: false, jws, fault: `there is another receipt with number ${facts.seq}` }
    const [before] = hashes.get(String(BigInt(facts.seq) - 1n)) ?? []
    const expected = facts.seq === '1' ? FIRST_PREVIOUS : before
    return expected === undefined || expected === facts.previous
      ? each
      : { valid: false, jws, fault: `receipt ${facts.seq} does not follow the one before it` }
  })
}

async function isSigned(text: string, { signature, jwk }: { signature: string; jwk: Jwk }): Promise<boolean> {
  try {
    const { kty, crv, x } = jwk
    const key = await crypto.subtle.importKey('jwk', { kty, crv, x }, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, fromBase64(signature), bytesOf(text))
  } catch {
    // No base64, or no key on the curve: nothing that anybody signed.
    return false
  }
}

function isFacts(value: unknown): value is ReceiptFacts {
  const facts = recordOf(value)
  const areTexts = Object.values(facts).every((each) => typeof each === 'string')
  const areThere = TEXTS.every((name) => name in facts)
  return areTexts && areThere && Object.entries(SHAPES).every(([name, shape]) => shape.test(String(facts[name])))
}

/** Fields of a shown receipt that stand in the signed text under the same name. */
const SAME_NAMES = [
  ...['id', 'buyerId', 'sellerId', 'offerId', 'requestId', 'externalResourceId', 'network', 'txHash', 'buyerWallet'],
  ...['settlementType', 'delivered', 'deliveryStatus', 'latencyMs', 'orderId', 'form', 'listingId', 'price', 'payout'],
  ...['fee', 'seq', 'previous'],
]
const CHAINS: Readonly<Record<string, string>> = {
  'eip155:8453': 'base',
  'eip155:84532': 'base-sepolia',
  'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1': 'solana-devnet',
}

/** The name of the first field that says something else than what was signed, PayanAgent's among them; null is nothing. */
function differenceIn(shown: Readonly<Record<string, unknown>>, facts: ReceiptFacts): string | undefined {
  const { id, price, asset, network, issuedAt } = facts
  const isMoney = asset === 'USDC'
  const expected: Record<string, unknown> = {
    ...Object.fromEntries(SAME_NAMES.map((name) => [name, facts[name]])),
    ...{ _id: id, currency: asset, status: 'confirmed', chain: CHAINS[network] ?? network.split(':', 1)[0] },
    amountCents: isMoney ? BigInt(price) / MICROS_PER_CENT : 0,
    amountMicroUsd: isMoney ? price : undefined,
    emittedAt: Date.parse(issuedAt),
  }
  return Object.keys(expected).find(
    (name) => name in shown && String(shown[name] ?? '') !== String(expected[name] ?? ''),
  )
}

function jsonIn(base64url: string): unknown {
  try {
    return JSON.parse(textIn(base64url))
  } catch {
    return undefined
  }
}

function textIn(base64url: string): string {
  return textOf(fromBase64(base64url))
}
