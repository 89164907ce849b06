import { Refusal } from '#kernel/refusal'
import { offerById } from '#offers'
import type { Db } from '#platform/db'
import type { Outbound } from '#platform/outbound/index'
import type { RelayLine } from '#trades/purchase'
import { objectionIn } from './relay-challenge.ts'
import { type CallInput, callOf, outputOf } from './seller.ts'

const FORWARD_TIMEOUT_MS = 45_000
/** Of these it is certain that nothing was sent. */
const UNSENT = ['url_not_allowed', 'url_unreachable']

/** Sends a payment on to the seller of an imported offer: once, and whatever comes of it is told. */
export function createForward({ read, outbound }: { read: Db; outbound: Outbound }): RelayLine['forward'] {
  return async ({ ware, input }) => {
    const offer = await offerById(read, ware.id)
    if (!offer) return { failure: 'the offer is gone' }
    const { header, ...words } = input as CallInput & { readonly header: [name: string, value: string] }
    const call = callOf(offer, words)
    const headers = { ...call.headers, [header[0]]: header[1] }
    try {
      const answer = await outbound.fetch({ ...call, headers, timeoutMs: FORWARD_TIMEOUT_MS })
      if (answer.status === 402) return { unknown: objectionIn(answer) }
      if (answer.status < 200 || answer.status > 299) return { unknown: `the seller answered ${answer.status}` }
      return { output: outputOf(answer) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return UNSENT.includes(error.code) ? { failure: error.message } : { unknown: error.message }
    }
  }
}
