import { jwsKeyFrom } from '#platform/jws'

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

export function receiptKeyFrom(seed: Buffer): ReceiptKey {
  const { jwk, thumbprint: kid, sign } = jwsKeyFrom(seed)
  return {
    kid,
    jwk: { ...jwk, kid, alg: 'EdDSA', use: 'sig' },
    signJws: (payload) => sign(payload, { kid, typ: 'JOSE' }),
  }
}
