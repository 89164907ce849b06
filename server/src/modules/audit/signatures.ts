import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { promisify } from 'node:util'
import type { Db } from '#platform/db'
import type { Difference } from './report.ts'
import { receiptsBefore } from './store.ts'

/** The public half of a key that signs or has signed receipts. */
export type VerifyingKey = JsonWebKey & { readonly kid: string }

const NEWEST = 10_000
const PAGE = 500
const ABOVE_ALL = 2n ** 63n - 1n
/** Ed25519 by the threads of the runtime, so that requests go on meanwhile. */
const verified = promisify(verify)

/**
 * Verifies the signatures of the newest receipts. Each of them vouches by its chain of hashes for every text before it, so
 * that a forger of an old receipt would have to forge a new one too.
 */
export async function checkSignatures(
  db: Db,
  keys: readonly VerifyingKey[],
): Promise<{ checked: number; differences: readonly Difference[] }> {
  const known = new Map(keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]))
  const differences: Difference[] = []
  let checked = 0
  let seq = ABOVE_ALL
  while (checked < NEWEST) {
    const page = await receiptsBefore(db, { seq, limit: PAGE })
    const faults = await Promise.all(page.map(({ jws }) => faultOf(jws, known)))
    for (const [index, fault] of faults.entries()) {
      if (fault)
        differences.push({ subject: `receipt ${page[index]?.seq}`, expected: 'a signature of ours', found: fault })
    }
    checked += page.length
    seq = page.at(-1)?.seq ?? 0n
    if (page.length < PAGE) break
  }
  return { checked, differences }
}

async function faultOf(jws: string, known: ReadonlyMap<string, KeyObject>): Promise<string | undefined> {
  const [header = '', payload = '', signature = ''] = jws.split('.')
  const kid = kidOf(header)
  const key = known.get(kid)
  if (!key) return `key ${kid || 'unreadable'}`
  const isGood = await verified(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))
  return isGood ? undefined : 'another signature'
}

function kidOf(header: string): string {
  try {
    const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: unknown; kid?: unknown }
    return alg === 'EdDSA' && typeof kid === 'string' ? kid : ''
  } catch {
    return ''
  }
}
