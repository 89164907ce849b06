/** In whatever has WebCrypto and `btoa`: Node 20 and browsers alike. */
const encoder = new TextEncoder()
/** Bytes that are no text are an error, not a question mark. */
const decoder = new TextDecoder('utf-8', { fatal: true })

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>
}

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

export function toBase64(bytes: Uint8Array): string {
  let units = ''
  for (const byte of bytes) units += String.fromCharCode(byte)
  return btoa(units)
}

/** Base64 or base64url; throws when it is neither. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const units = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(units, (unit) => unit.charCodeAt(0))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Undefined when it is no hex. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^([0-9a-f]{2})*$/i.test(text)) return undefined
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export async function sha256Hex(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(text))))
}

export function randomHex(length: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(length)))
}
