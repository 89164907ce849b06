import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const PREFIX = 'sealed1.'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts a secret for keeping (AES-256-GCM under a 32-byte key). `context` says whose it is, such as a row's id: a sealed
 * text moved elsewhere does not open.
 */
export function seal(key: Uint8Array, plaintext: string, context = ''): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context))
  const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
}

/** Decrypts what `seal` made. Throws when the key or the context is another, or the text was changed. */
export function open(key: Uint8Array, sealed: string, context = ''): string {
  if (!sealed.startsWith(PREFIX)) throw new Error('This is not a sealed secret of a version we know.')
  const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url')
  const body = NONCE_BYTES + TAG_BYTES
  if (bytes.length < body) throw new Error('This sealed secret is cut short.')
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(NONCE_BYTES, body))
  try {
    return decipher.update(bytes.subarray(body), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    throw new Error('This sealed secret does not open: its key or place is another, or it was changed.')
  }
}
