import { Refusal } from '#kernel/refusal'
import type { Offer } from '#offers'
import type { Outbound, OutboundAnswer } from '#platform/outbound/index'
import type { Facilitators } from '#settlement'
import { usdView } from '../v1/usd.ts'
import { encode, type Payee } from './challenge.ts'
import { buyRefusals } from './errors.ts'
import { type CallInput, callOf } from './seller.ts'
import { caip2 } from './wire.ts'

/** One way to pay that both the seller and this market understand. */
export interface Choice {
  readonly payee: Payee
  readonly amount: bigint
  /** As the seller says it, unchanged. */
  readonly entry: Fields
}

/** What a seller elsewhere asks for, as it is handed on. */
export interface Challenge {
  readonly version: 1 | 2
  /** Never empty. */
  readonly choices: readonly Choice[]
  /** The seller's own words: what goes into the header, or, in the first version, into the body. */
  readonly said: Fields
}

type Fields = Readonly<Record<string, unknown>>

const TIMEOUT_MS = 15_000
const MAX_BYTES = 256 * 1024
/** Bound to the seller's own host, and signed in to there only. */
const NOT_HANDED_ON = 'sign-in-with-x'
/** Header lines of more than 8 kB are refused by many a proxy; buyers send most of it back. */
const MAX_HEADER_CHARS = 7_500

interface Asking {
  readonly outbound: Pick<Outbound, 'fetch'>
  readonly facilitators: Pick<Facilitators, 'of'>
}

/** Asks the seller of an imported offer what it wants for these words. Throws when that is nothing that can be paid here. */
export async function askSeller(
  { outbound, facilitators }: Asking,
  offer: Offer,
  input: CallInput,
): Promise<Challenge> {
  const answer = await answerTo(outbound, offer, input)
  const { status } = answer
  if (status === 400 || status === 422) throw buyRefusals.relay_input_refused({ status })
  if (status !== 402) throw buyRefusals.relay_unasked({ reason: `it answered ${status} where a price was expected` })
  const said = required(answer)
  if (!said) throw buyRefusals.relay_unasked({ reason: 'its 402 says no price' })
  const version = said['x402Version'] === 1 ? 1 : 2
  const entries = Array.isArray(said['accepts']) ? said['accepts'] : []
  const choices = entries.flatMap((entry) => choiceOf(entry, { version, facilitators }))
  if (choices.length === 0) throw buyRefusals.relay_network_unknown()
  return { version, choices, said }
}

async function answerTo(outbound: Pick<Outbound, 'fetch'>, offer: Offer, input: CallInput): Promise<OutboundAnswer> {
  try {
    const call = callOf(offer, input)
    const headers = { ...call.headers, accept: 'application/json' }
    return await outbound.fetch({ ...call, headers, timeoutMs: TIMEOUT_MS, maxResponseBytes: MAX_BYTES })
  } catch (error) {
    if (error instanceof Refusal) throw buyRefusals.relay_unasked({ reason: error.message })
    throw error
  }
}

/** The header of the second version, else the body of the first. */
function required({ headers, body }: OutboundAnswer): Fields | undefined {
  const header = headers['payment-required']
  const said = jsonIn(header === undefined ? body : Buffer.from(header, 'base64'))
  const version = header === undefined ? 1 : 2
  return said?.['x402Version'] === version ? said : undefined
}

function jsonIn(bytes: Buffer): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(bytes.toString('utf8')))
  } catch {
    return undefined
  }
}

const AMOUNT = /^[1-9]\d{0,17}$/

/** Only what we can check, and look for on its chain afterwards: our token, by signed authorization. */
function choiceOf(
  value: unknown,
  { version, facilitators }: { version: 1 | 2; facilitators: Pick<Facilitators, 'of'> },
): Choice[] {
  const entry = fieldsOf(value)
  if (!entry) return []
  const { scheme, network, asset, payTo } = entry
  const amount = version === 1 ? entry['maxAmountRequired'] : entry['amount']
  const texts = [network, asset, payTo, amount].every((each) => typeof each === 'string')
  if (scheme !== 'exact' || !texts || !AMOUNT.test(amount as string)) return []
  const { assetTransferMethod = 'eip3009' } = fieldsOf(entry['extra']) ?? {}
  const facilitator = facilitators.of(caip2(network as string, version))
  if (!facilitator?.outcomeOf || assetTransferMethod !== 'eip3009') return []
  const { chain } = facilitator
  if (!chain.isSame(asset as string, chain.asset)) return []
  return [{ payee: { chain, payTo: payTo as string }, amount: BigInt(amount as string), entry }]
}

/** The seller's challenge with the ways to pay that are understood here, each as it was; and why it is asked (again). */
export function handOn({ version, choices, said }: Challenge, error: string): { header: string | null; body: object } {
  const accepts = choices.map(({ entry }) => entry)
  const priceUsd = usdView(choices[0]?.amount ?? 0n)
  if (version === 1) return { header: null, body: { ...said, accepts, error, priceUsd } }
  const { [NOT_HANDED_ON]: _, ...extensions } = fieldsOf(said['extensions']) ?? {}
  const words = { ...said, accepts, error }
  const whole = encode({ ...words, extensions })
  const header = whole.length <= MAX_HEADER_CHARS ? whole : encode({ ...words, extensions: {} })
  return { header, body: { error, priceUsd } }
}

/** What the seller says against a payment it was sent. */
export function objectionIn(answer: OutboundAnswer): string {
  const said = required(answer)?.['error'] ?? jsonIn(answer.body)?.['error']
  const words = typeof said === 'string' ? said.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').slice(0, 200) : 'it says no reason'
  return `the seller asked for payment again: ${words}`
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}
