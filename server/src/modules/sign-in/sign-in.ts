import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  buildSIWxSchema,
  parseSIWxHeader,
  type SIWxExtension,
  type SIWxPayload,
  validateSIWxMessage,
  verifySIWxSignature,
} from '@x402/extensions/sign-in-with-x'
import type { Tx } from '#platform/db'
import { signInRefusals } from './errors.ts'
import { insertNonce } from './store.ts'

/** A wallet that has signed one of our challenges. */
export interface SignedIn {
  /** CAIP-2. */
  readonly network: string
  /** Lower case on EVM, where case means nothing. */
  readonly address: string
  readonly nonce: string
}

export interface SignInDeps {
  /** Authenticates the challenges, so that none has to be kept before it is used. */
  readonly key: Uint8Array
  readonly publicUrl: string
  /** CAIP-2 ids of the networks whose wallets may sign in. */
  readonly networks: readonly string[]
}

export interface SignIn {
  /** What a wallet is asked to sign for a resource of ours: `info` is new each time, and stands last. */
  challenge(path: string, statement: string): SIWxExtension
  /** The part of a challenge that is new each time. */
  info(path: string, statement: string): SIWxExtension['info']
  /** Whose signature this is. Throws `sign_in_refused` unless it is a fresh challenge of ours for one of the resources. */
  read(header: string, paths: readonly string[]): Promise<SignedIn>
}

const MAX_AGE_MS = 300_000
const RANDOM_BYTES = 8
const EVM = 'eip155:'

/**
 * Sign-in with a wallet (x402's sign-in-with-x, CAIP-122). The nonce is half chance, half our seal over the resource and the
 * time, so that only what we asked for can be signed: not what a stranger had signed in advance, and nothing for one
 * resource at another.
 */
export function createSignIn({ key, publicUrl, networks }: SignInDeps): SignIn {
  const origin = new URL(publicUrl)
  // Read once: reading the key takes five times as long as sealing with it.
  const sealingKey = createSecretKey(key)
  const sealOf = (random: string, { uri, issuedAt }: { uri: string; issuedAt: string }) =>
    createHmac('sha256', sealingKey).update(`${random}\n${issuedAt}\n${uri}`).digest().subarray(0, RANDOM_BYTES)
  const faultIn = (message: SIWxPayload, paths: readonly string[]): string | null => {
    if (!paths.some((path) => message.uri === `${publicUrl}${path}`)) return 'it was signed for another resource'
    if (!networks.includes(message.chainId)) return `${message.chainId} is no network of this market`
    const seal = Buffer.from(message.nonce.slice(RANDOM_BYTES * 2), 'hex')
    const ours = sealOf(message.nonce.slice(0, RANDOM_BYTES * 2), message)
    const isOurs = seal.length === ours.length && timingSafeEqual(seal, ours) && /^[0-9a-f]{32}$/.test(message.nonce)
    return isOurs ? null : 'the challenge is not one of ours'
  }
  const frame = {
    supportedChains: networks.map((chainId) => ({
      chainId,
      type: chainId.startsWith(EVM) ? ('eip191' as const) : ('ed25519' as const),
    })),
    schema: buildSIWxSchema(),
  }
  const info: SignIn['info'] = (path, statement) => {
    const [uri, now] = [`${publicUrl}${path}`, Date.now()]
    const issuedAt = new Date(now).toISOString()
    const random = randomBytes(RANDOM_BYTES).toString('hex')
    return {
      ...{ domain: origin.host, uri, statement, version: '1', issuedAt },
      nonce: random + sealOf(random, { uri, issuedAt }).toString('hex'),
      expirationTime: new Date(now + MAX_AGE_MS).toISOString(),
      resources: [uri],
    }
  }
  return {
    info,
    challenge: (path, statement) => ({ ...frame, info: info(path, statement) }),
    read: async (header, paths) => {
      const message = parsed(header)
      const fault = faultIn(message, paths) ?? (await faultInSignature(message, origin))
      if (fault !== null) throw signInRefusals.sign_in_refused({ fault })
      const { chainId: network, address, nonce } = message
      return { network, address: network.startsWith(EVM) ? address.toLowerCase() : address, nonce }
    },
  }
}

/** Uses a sign-in up, in the unit of work of what it is for. Throws `sign_in_spent`. */
export async function spendSignIn(tx: Tx, { nonce }: Pick<SignedIn, 'nonce'>): Promise<void> {
  // Kept a little longer than it could be shown again, whatever two clocks differ.
  const expiresAt = new Date(Date.now() + 2 * MAX_AGE_MS)
  if (!(await insertNonce(tx, { nonce, expiresAt }))) throw signInRefusals.sign_in_spent()
}

function parsed(header: string): SIWxPayload {
  try {
    return parseSIWxHeader(header)
  } catch (error) {
    throw signInRefusals.sign_in_refused({ fault: (error as Error).message })
  }
}

/** The cheap checks are done before: this one takes milliseconds. */
async function faultInSignature(message: SIWxPayload, origin: URL): Promise<string | null> {
  const valid = await validateSIWxMessage(message, origin, { maxAge: MAX_AGE_MS })
  if (!valid.isValid) return valid.invalidMessage
  try {
    const signature = await verifySIWxSignature(message)
    return signature.isValid ? null : signature.invalidMessage
  } catch {
    // What cannot even be written as a message, an address that is none for instance.
    return 'the message cannot be read'
  }
}
