import { readFileSync } from 'node:fs'
import { getBase58Encoder, isAddress } from '@solana/kit'
import ipaddr from 'ipaddr.js'
import { getAddress, isAddress as isEvmAddress } from 'viem'
import type { Reading } from './env.ts'

const SECRET_KEY_BYTES = 64
const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal']

export function oneOf<const T extends string>(...values: readonly T[]): Reading<T> {
  const parse = (text: string) => {
    const value = values.find((each) => each === text)
    return value ?? refuse(`is "${text}" and must be ${values.join(' or ')}`)
  }
  return { parse, example: values.at(-1) ?? '' }
}

export function wholeNumber(from: number, to: number, example: number): Reading<number> {
  const parse = (text: string) => {
    const value = /^\d{1,9}$/.test(text) ? Number.parseInt(text, 10) : -1
    return value >= from && value <= to
      ? value
      : refuse(`is "${text}" and must be a whole number from ${from} to ${to}`)
  }
  return { parse, example: String(example) }
}

/** A URL is not repeated in its fault: it may carry a password. */
export function urlOf(schemes: readonly string[], example: string): Reading<string> {
  const parse = (text: string) => {
    const url = URL.parse(text)
    const scheme = url?.protocol.slice(0, -1) ?? ''
    return url?.hostname && schemes.includes(scheme) ? text : refuse(`must be a URL that begins with ${schemes[0]}://`)
  }
  return { parse, example }
}

/** Several, with commas between them. */
export function urlsOf(schemes: readonly string[]): Reading<string[]> {
  const one = urlOf(schemes, 'https://market.example.com')
  const parse = (text: string) =>
    text
      .split(/[\s,]+/)
      .filter((each) => each !== '')
      .map(one.parse)
  return { parse, example: one.example }
}

/** Every path of the contracts is at the server's root, so its public address has none. */
export const origin: Reading<string> = {
  parse: (text) => {
    const url = URL.parse(text)
    const isOrigin =
      url?.pathname === '/' && !url.search && !url.hash && !url.username && /^https?:$/.test(url.protocol)
    return isOrigin ? url.origin : refuse(`is "${text}" and must be an address without a path`)
  },
  example: 'https://souk.example.com',
}

export const solanaAddress: Reading<string> = {
  parse: (text) => (isAddress(text) ? text : refuse(`is "${text}" and must be a Solana address (base58, 32 bytes)`)),
  example: 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
}

export const solanaNetwork: Reading<string> = {
  parse: (text) =>
    /^solana:[1-9A-HJ-NP-Za-km-z]{32}$/.test(text)
      ? text
      : refuse(`is "${text}" and must be a CAIP-2 id: solana: and the first 32 letters of the genesis hash`),
  example: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
}

export const solanaSecretKey: Reading<string> = {
  parse: (text) =>
    base58Length(text) === SECRET_KEY_BYTES ? text : refuse('must be a secret key in base58, 64 bytes'),
  example: '$(cat hot-wallet.base58)',
}

/** A mixed-case address carries a checksum, which must be right. */
export const evmAddress: Reading<string> = {
  parse: (text) =>
    isEvmAddress(text) ? getAddress(text) : refuse(`is "${text}" and must be an address: 0x and 40 hexadecimal digits`),
  example: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
}

export const masterSecret: Reading<string> = {
  parse: (text) =>
    /^([0-9a-f]{2}){32,}$/i.test(text) ? text.toLowerCase() : refuse('must be at least 64 hexadecimal digits'),
  example: '$(openssl rand -hex 32)',
}

export const masterSecretFile: Reading<string> = {
  parse: (path) => {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      return refuse(`names ${path}, which cannot be read (${(error as NodeJS.ErrnoException).code})`)
    }
    try {
      return masterSecret.parse(text.trim())
    } catch (error) {
      return refuse(`names ${path}, whose text ${(error as Error).message}`)
    }
  },
  example: '/run/secrets/souk-master',
}

/** Who travels in a header, so printable and without spaces. */
export function bearerKey(lengthMin: number): Reading<string> {
  const parse = (text: string) =>
    /^[\x21-\x7e]+$/.test(text) && text.length >= lengthMin
      ? text
      : refuse(`must be at least ${lengthMin} printable characters without spaces`)
  return { parse, example: '$(openssl rand -hex 32)' }
}

/**
 * Whose `X-Forwarded-For` is believed: nobody's, that of so many hops, or of these addresses. Believing everybody's is
 * refused, since then every caller chooses the address it is limited by.
 */
export const trustedProxies: Reading<false | number | readonly string[]> = {
  parse: (text) => {
    if (text === 'no') return false
    if (/^[1-9]\d?$/.test(text)) return Number.parseInt(text, 10)
    const proxies = text.split(',').map((part) => part.trim())
    const isProxy = (part: string) => PROXY_NAMES.includes(part) || ipaddr.isValid(part) || ipaddr.isValidCIDR(part)
    if (proxies.every(isProxy)) return proxies
    return refuse(`is "${text}" and must be no, a number of proxies, or the addresses of the proxies`)
  },
  example: '10.0.0.0/8,loopback',
}

function base58Length(text: string): number {
  try {
    return getBase58Encoder().encode(text).length
  } catch {
    return 0
  }
}

function refuse(sentence: string): never {
  throw new Error(sentence)
}
