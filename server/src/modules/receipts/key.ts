import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'

/** The Ed25519 key that signs receipts, as JOSE sees it. */
export interface ReceiptKey {
  readonly kid: string
  /** Public part, for `/.well-known/jwks.json`. */
  readonly jwk: {
    readonly kty: 'OKP'
    readonly crv: 'Ed25519'
    readonly x: string
    readonly kid: string
    readonly alg: 'EdDSA'
    readonly use: 'sig'
  }
  /** A compact JWS over the payload's bytes. */
  signJws(payload: string): string
}

/** DER prefix of a PKCS #8 Ed25519 private key; the 32-byte seed follows (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function receiptKeyFrom(seed: Buffer): ReceiptKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
  const x = publicPart(privateKey)
  // RFC 7638: the thumbprint of the key names it, so that a rotated key never shares a name with an old one.
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url')
  const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', kid, typ: 'JOSE' })).toString('base64url')
  return {
    kid,
    jwk: { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' },
    signJws: (payload) => {
      const signed = `${header}.${Buffer.from(payload).toString('base64url')}`
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
    },
  }
}

function publicPart(privateKey: KeyObject): string {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  if (!x) throw new Error('an Ed25519 key without a public part')
  return x
}
