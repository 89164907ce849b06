import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'

/** The public half of an Ed25519 key, as JOSE sees it (RFC 8037). */
export interface Ed25519Jwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
}

export interface JwsKey {
  readonly jwk: Ed25519Jwk
  /** RFC 7638: names the key by what it is, so that a rotated key never shares a name with an old one. */
  readonly thumbprint: string
  /** A compact JWS over the payload's bytes. The same payload gives the same text. */
  sign(payload: string, header: { readonly kid: string; readonly typ?: string }): string
}

/** DER prefix of a PKCS #8 Ed25519 private key; the 32-byte seed follows (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function jwsKeyFrom(seed: Uint8Array): JwsKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
  const x = publicPart(privateKey)
  return {
    jwk: { kty: 'OKP', crv: 'Ed25519', x },
    thumbprint: createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url'),
    sign: (payload, header) => {
      const protectedPart = Buffer.from(JSON.stringify({ alg: 'EdDSA', ...header })).toString('base64url')
      const signed = `${protectedPart}.${Buffer.from(payload).toString('base64url')}`
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
    },
  }
}

function publicPart(privateKey: KeyObject): string {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  if (!x) throw new Error('an Ed25519 key without a public part')
  return x
}
