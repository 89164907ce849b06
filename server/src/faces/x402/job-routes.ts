import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isId } from '#kernel/id'
import { type Engine, type Order, orderRefusals } from '#orders'
import type { Answer } from '#platform/http/idempotency'
import { signInRefusals } from '#sign-in'
import { JobView } from '../v1/job-view.ts'
import { payanRules } from '../v1/payanagent.ts'
import { buyRefusals } from './errors.ts'
import { type ExtensionParts, signedInBy } from './extensions.ts'
import { buyersView, type JobContext, jobAfter, waitIn } from './job-answer.ts'

export interface JobRoutesContext extends JobContext, ExtensionParts {
  readonly answer: Answer
  readonly engine: Pick<Engine, 'move'>
  /** The wallet that paid for an order over a chain; undefined for an order that was not paid so. */
  readonly payerOf: (orderId: string) => Promise<{ readonly network: string; readonly wallet: string } | undefined>
}

const Job = Type.Object({
  ...JobView.properties,
  url: Type.String({ description: 'Where the job is read and moved; whoever knows it may.' }),
  isReturning: Type.Boolean({ description: 'What was paid is on its way back over the chain.' }),
  actions: Type.Array(Type.String(), { description: 'What can be asked for by POST at url/ACTION' }),
})

const Params = Type.Object({
  job: Type.String({
    maxLength: 64,
    description: 'The end of the URL you were told; or the job’s id, with SIGN-IN-WITH-X',
  }),
})

const MOVES = [
  { path: 'accept-delivery', summary: 'Take the delivery; the seller is paid', move: 'approve' },
  { path: 'cancel', summary: 'Cancel before delivery; everything goes back to the wallet that paid', move: 'cancel' },
] as const

const tags = ['x402']

/** The jobs of wallets: by an address nobody can guess, or by the signature of the wallet that paid (D-20). */
export const walletJobRoutes =
  (context: JobRoutesContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const config = payanRules({ auth: 'public' })
    const description = 'Waits for news as long as `Prefer: wait=n` says, up to 30 seconds.'
    const read = {
      tags,
      summary: 'A job you bought with a wallet',
      description,
      params: Params,
      response: { 200: Job },
    }
    app.get('/x402/jobs/:job', { config, schema: read }, async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { id: orderId } = await jobOf(context, request, request.params.job)
      return buyersView(context, await jobAfter(context, { orderId, seconds: waitIn(request, 0), request, reply }))
    })

    for (const { path, summary, move } of MOVES) {
      const schema = { tags, summary, params: Params, response: { 200: Job } }
      app.post(`/x402/jobs/:job/${path}`, { config, schema }, async (request, reply) => {
        const { id: orderId, buyerId: by } = await jobOf(context, request, request.params.job)
        return context.answer(request, reply, 200, async (tx) =>
          buyersView(context, await context.engine.move(tx, { orderId, move: { do: move, by } })),
        )
      })
    }
  }

/** The job, for whoever knows its address, or signs in as who paid for it. */
async function jobOf(context: JobRoutesContext, request: FastifyRequest, job: string): Promise<Order> {
  const orderId = context.links.orderIn(job)
  if (orderId !== undefined) return context.orderOf(orderId)
  const payer = isId(job) ? await context.payerOf(job) : undefined
  if (!payer) throw orderRefusals.order_unknown()
  const signedIn = await signedInBy(context, request, [`/x402/jobs/${job}`])
  if (signedIn === null) throw signInRefusals.sign_in_missing()
  if (signedIn.network !== payer.network || signedIn.address !== payer.wallet) throw buyRefusals.not_the_payer()
  return context.orderOf(job)
}
