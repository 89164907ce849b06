import { createHash, randomBytes } from 'node:crypto'

/** A key's look tells which door made it (D-2); every key opens every door. */
const LOOKS = {
  jp: { head: 'jp_', bytes: 24, shown: 6 },
  pk_live: { head: 'pk_live_', bytes: 32, shown: 12 },
  pk_test: { head: 'pk_test_', bytes: 32, shown: 12 },
  ak: { head: 'ak_', bytes: 24, shown: 6 },
  hex: { head: '', bytes: 32, shown: 6 },
} as const

export type KeyLook = keyof typeof LOOKS

export interface FreshKey {
  /** Shown once and never kept. */
  readonly key: string
  /** Its first characters, by which its owner tells keys apart (JP-4). */
  readonly prefix: string
  readonly hash: Buffer
}

export function makeKey(look: KeyLook): FreshKey {
  const { head, bytes, shown } = LOOKS[look]
  const key = head + randomBytes(bytes).toString('hex')
  return { key, prefix: key.slice(0, shown), hash: hashKey(key) }
}

/** A key is random enough that a plain hash neither can be undone nor needs a salt. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
