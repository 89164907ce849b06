import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'

/** What a receipt's signed payload says; all of it is text. */
export interface Facts {
  readonly seq: string
  readonly previous: string
  readonly settlementType: string
  readonly price: string
  readonly asset: string
  readonly orderId: string
}

/** A receipt whose signature is good, or what is wrong with it. */
export type Judged = { readonly jws: string; readonly facts: Facts } | { readonly jws: string; readonly fault: string }

const FIRST_PREVIOUS = '0'.repeat(64)
const SHAPES: Readonly<Record<keyof Facts, RegExp>> = {
  seq: /^[1-9]\d{0,18}$/,
  previous: /^[0-9a-f]{64}$/,
  settlementType: /^[a-z_]{1,30}$/,
  price: /^\d{1,19}$/,
  asset: /^[A-Z]{1,12}$/,
  orderId: /^[0-9a-f-]{36}$/,
}

/** The keys of a JWKS that can have signed receipts, by their names. Throws when it is none. */
export function keysIn(jwks: unknown): Map<string, KeyObject> {
  const { keys } = jwks as { keys: { kty?: unknown; crv?: unknown; kid?: unknown; x?: string }[] }
  const ours = keys.filter(({ kty, crv, kid }) => kty === 'OKP' && crv === 'Ed25519' && typeof kid === 'string')
  return new Map(
    ours.map(({ kid, x }) => [
      kid as string,
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' } as Parameters<
        typeof createPublicKey
      >[0]),
    ]),
  )
}

/** Texts that are meant as receipts: one a word, or wherever an answer of the market carries them. */
export function receiptsIn(text: string): string[] {
  try {
    return [...new Set(carriedBy(JSON.parse(text)))]
  } catch {
    return [...new Set(text.split(/\s+/).filter((word) => word !== ''))]
  }
}

function carriedBy(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(carriedBy)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner !== 'string' ? carriedBy(inner) : name === 'jws' || name === 'receipt' ? [inner] : [],
  )
}

/** Verifies signatures, then that receipts with neighbouring numbers follow one another; in the order of their numbers. */
export function judge(receipts: readonly string[], keys: ReadonlyMap<string, KeyObject>): Judged[] {
  const judged = receipts.map((jws) => judgeAlone(jws, keys))
  const good = judged.flatMap((one) => ('facts' in one ? [one] : []))
  const bySeq = Map.groupBy(good, ({ facts }) => BigInt(facts.seq))
  const chained = judged.map((one): Judged => {
    if ('fault' in one) return one
    const { jws, facts } = one
    const seq = BigInt(facts.seq)
    if ((bySeq.get(seq)?.length ?? 0) > 1) return { jws, fault: `there is another receipt with number ${seq}` }
    const before = bySeq.get(seq - 1n)?.[0]
    const expected = seq === 1n ? FIRST_PREVIOUS : before && sha256(before.jws)
    if (expected === undefined || expected === facts.previous) return one
    return { jws, fault: `receipt ${seq} does not follow the one before it` }
  })
  return chained.toSorted((a, b) => Number(seqOf(a) - seqOf(b)))
}

/** How many times receipts that are not here lie between two that are. */
export function gapsIn(judged: readonly Judged[]): number {
  const seqs = judged.map(seqOf).filter((seq) => seq > 0n)
  return seqs.filter((seq, index) => index > 0 && seq - (seqs[index - 1] as bigint) > 1n).length
}

/** What cannot be read has no number and comes first. */
function seqOf(judged: Judged): bigint {
  return 'facts' in judged ? BigInt(judged.facts.seq) : 0n
}

function judgeAlone(jws: string, keys: ReadonlyMap<string, KeyObject>): Judged {
  const [header = '', payload = '', signature = '', ...more] = jws.split('.')
  const { alg, kid } = (jsonOf(header) ?? {}) as { alg?: unknown; kid?: unknown }
  if (alg !== 'EdDSA' || typeof kid !== 'string' || more.length > 0) return { jws, fault: 'this is no signed receipt' }
  const key = keys.get(kid)
  if (!key) return { jws, fault: 'its key is none of these keys' }
  if (!verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
    return { jws, fault: 'its signature is wrong: it was changed' }
  const facts = jsonOf(payload)
  return isFacts(facts) ? { jws, facts } : { jws, fault: 'it was signed, but is no receipt' }
}

function isFacts(payload: unknown): payload is Facts {
  const told = (payload ?? {}) as Record<string, unknown>
  return Object.entries(SHAPES).every(([name, shape]) => typeof told[name] === 'string' && shape.test(told[name]))
}

function jsonOf(base64url: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64url, 'base64url').toString())
  } catch {
    return undefined
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
