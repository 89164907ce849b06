import type { Db } from '#platform/db'
import type { WebhookFormat } from '#webhooks'

const NEWS: Readonly<Record<string, string>> = {
  'offer.degraded': 'listing.degraded',
  'offer.recovered': 'listing.recovered',
}

interface ListingNews {
  readonly partyId: string
  readonly offerId: string
  readonly status: string
  readonly reason: string | null
  readonly checkedAt: string
}

/** Tells a seller how its listings are; `{type, timestamp, data}` and nothing but the headers of Standard Webhooks. */
export function listingWebhookFormat({
  callbackUrlsOf,
}: {
  callbackUrlsOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, string | null>>
}): WebhookFormat {
  return {
    name: 'listings',
    types: Object.values(NEWS),
    hears: (eventName) => Object.hasOwn(NEWS, eventName),
    compose: async (db, { name, payload, at }) => {
      const { partyId, ...data } = payload as ListingNews
      const url = (await callbackUrlsOf(db, [partyId])).get(partyId) ?? null
      const type = NEWS[name]
      if (!type) return []
      const healthUrl = `/api/v1/offers/${data.offerId}/health`
      const body = { type, timestamp: at.toISOString(), data: { ...data, healthUrl } }
      return [{ recipientId: partyId, url, eventName: type, body }]
    },
    headers: () => ({}),
  }
}
