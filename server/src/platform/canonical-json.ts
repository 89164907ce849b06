import canonicalize from 'canonicalize'

/**
 * The one text of a JSON value (JCS, RFC 8785): keys sorted, no spaces, numbers as ECMAScript prints them. What we hash
 * and sign. Throws on what JSON cannot say: undefined, bigint, NaN, lone surrogates, cycles.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError(`no JSON for ${typeof value}`)
  return text
}
