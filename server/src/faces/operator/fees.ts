import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Answer } from '#platform/http/idempotency'
import { rules } from '#platform/http/rules'
import { payOutRevenue, type Wallet } from '#wallet'
import { MicrosView } from '../v1/amounts.ts'

const Body = Type.Object(
  { address: Type.String({ minLength: 1, maxLength: 100, description: 'A wallet of yours; never one of the market' }) },
  { additionalProperties: false },
)
const Paid = Type.Object({
  payoutId: Type.String(),
  network: Type.String(),
  address: Type.String(),
  amount: MicrosView,
})

/** What the market has earned, paid to a wallet of the operator's: all of it, as one payout. */
export const operatorFeeRoutes =
  ({ wallet, answer }: { wallet: Wallet; answer: Answer }): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = { tags: ['operator'], summary: 'Pay out all fees earned', body: Body, response: { 201: Paid } }
    app.post('/fees/payout', { config: rules({ auth: 'operator' }), schema }, async (request, reply) => {
      const { address } = request.body
      await wallet.checkPayable(address)
      const { network } = wallet.rail
      return answer(request, reply, 201, async (tx) => {
        const revenue = { network, destination: address, settings: wallet.settings }
        const { id, amount } = await payOutRevenue(tx, revenue)
        return { payoutId: id, network, address, amount: String(amount) }
      })
    })
  }
