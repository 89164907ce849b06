import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { rules } from '#platform/http/rules'
import type { Facilitators, SettlementResult } from '#settlement'
import { heard } from './heard.ts'
import { nameInV1, readAsked } from './wire.ts'

const tags = ['x402']

const Asked = Type.Object(
  {
    x402Version: Type.Optional(Type.Integer({ description: '1 or 2' })),
    paymentPayload: Type.Unknown({ description: 'What the buyer sent in PAYMENT-SIGNATURE, decoded' }),
    paymentRequirements: Type.Unknown({ description: 'The entry of `accepts` that the buyer chose' }),
  },
  // Other facilitators' extras (`paymentId`, …) are of no concern here, and no money follows from them.
  { additionalProperties: true },
)

const VerifyAnswer = Type.Object({
  isValid: Type.Boolean(),
  invalidReason: Type.Optional(Type.String()),
  payer: Type.Optional(Type.String()),
})

const SettleAnswer = Type.Object({
  success: Type.Boolean(),
  errorReason: Type.Optional(
    Type.String({ description: '`settlement_pending`: sent, outcome unknown; ask again with the same payment' }),
  ),
  payer: Type.Optional(Type.String()),
  transaction: Type.String({ description: 'Empty when nothing was sent' }),
  network: Type.String(),
  amount: Type.Optional(Type.String()),
})

const Kinds = Type.Object({
  kinds: Type.Array(
    Type.Object({
      ...{ x402Version: Type.Integer(), scheme: Type.String(), network: Type.String() },
      extra: Type.Record(Type.String(), Type.String(), {
        description: 'What belongs into `extra` of an entry of `accepts`',
      }),
    }),
  ),
  extensions: Type.Array(Type.String()),
  signers: Type.Record(Type.String(), Type.Array(Type.String())),
})

/**
 * The facilitator of x402 (standards: scheme `exact`, versions 1 and 2): checks payments and settles them, each at most once
 * however often and from wherever it is asked. In live mode only keys of the market settle, as the operator pays the gas.
 */
export const facilitatorRoutes =
  ({ facilitators, live }: { facilitators: Facilitators; live: boolean }): FastifyPluginAsyncTypebox =>
  async (app) => {
    const supported = { tags, summary: 'What this facilitator settles', response: { 200: Kinds } }
    app.get('/supported', { config: rules({ auth: 'public' }), schema: supported }, async () =>
      supportedView(facilitators),
    )

    const verify = { tags, summary: 'Whether a payment would be settled', body: Asked, response: { 200: VerifyAnswer } }
    app.post('/verify', { config: rules({ auth: 'optional' }), schema: verify }, async (request) => {
      const { found } = readAsked(request.body, facilitators)
      if (!found) return { isValid: false, invalidReason: 'invalid_network' }
      const { isValid, payer, reason } = await heard(found.facilitator.verify(found.payment))
      return reason === null ? { isValid, payer } : { isValid, invalidReason: reason, payer }
    })

    const settle = { tags, summary: 'Settle a payment on its chain', body: Asked, response: { 200: SettleAnswer } }
    const config = rules(live ? { auth: 'key', scope: 'trade' } : { auth: 'optional' })
    app.post('/settle', { config, schema: settle }, async (request) => {
      const { found, network } = readAsked(request.body, facilitators)
      if (!found) return { success: false, errorReason: 'invalid_network', transaction: '', network }
      const { payer, amount } = found.payment
      const result = await heard(found.facilitator.settle(found.payment))
      return { ...settleView(result, String(amount)), payer, network }
    })
  }

function supportedView({ all }: Facilitators) {
  const networks = all.map(({ chain }) => chain)
  const kinds = networks.flatMap(({ network, extra }) => {
    const name = nameInV1(network)
    const second = { x402Version: 2, scheme: 'exact', network, extra }
    return name === null ? [second] : [second, { x402Version: 1, scheme: 'exact', network: name, extra }]
  })
  const signers = networks.map(({ network, relayer }) => [`${network.split(':', 1)[0]}:*`, [relayer]])
  return { kinds, extensions: [], signers: Object.fromEntries(signers) }
}

function settleView(result: SettlementResult, amount: string) {
  if (result.state === 'settled') return { success: true, transaction: result.txHash, amount }
  const errorReason = result.state === 'pending' ? 'settlement_pending' : result.reason
  return { success: false, errorReason, transaction: result.txHash ?? '' }
}
