import { advertisedServices } from '#catalog'
import { usdView } from '../v1/usd.ts'
import { metadataOf } from './bazaar-extension.ts'
import type { BuyContext } from './buy.ts'
import { discoverable, priceOfService } from './buy-service.ts'
import { acceptsOf } from './challenge.ts'

interface Asked {
  readonly payTo?: string | undefined
  readonly offset: number
  readonly limit: number
}

/** The services that can be bought with a wallet, as the lists of x402 show them (D-20). */
export async function serviceResources(context: BuyContext, { payTo, offset, limit }: Asked) {
  const { services: sales, read, bazaar } = context
  const isPaid = payTo === undefined || sales?.payees.some((payee) => payee.chain.isSame(payee.payTo, payTo))
  if (sales === null || !isPaid) return { items: [], total: 0 }
  const { services, total } = await advertisedServices(read, { offset, limit })
  const items = await Promise.all(
    services.map(async (service) => {
      const { id, name: title, description, category, tags, updatedAt } = service
      const price = priceOfService(context, { sales, service })
      return {
        ...{ resource: price.url, type: 'http', x402Version: 2, lastUpdated: updatedAt.toISOString() },
        ...{ accepts: acceptsOf(price), description, mimeType: 'application/json', ...metadataOf({ title, tags }) },
        extensions: { bazaar: await bazaar.extensionOf(discoverable(service)) },
        metadata: { serviceId: id, title, category, priceUsd: usdView(price.amount) },
      }
    }),
  )
  return { items, total }
}
