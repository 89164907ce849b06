import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { createWallet, faucet, sendToken } from '@souk/devchain/solana'
import { Type } from 'typebox'
import { MicrosInput, microsOf } from '../v1/amounts.ts'
import { orRefusal, sandboxRefusals } from './errors.ts'
import type { SandboxParts } from './index.ts'

const tags = ['Sandbox']
const strict = { additionalProperties: false }
const SUPPORTED: readonly string[] = ['solana']
const Network = Type.String({ maxLength: 32, description: 'solana' })
const Text = Type.String({ minLength: 1, maxLength: 200 })
const Sent = Type.Object({ txHash: Type.String() })

const WalletBody = Type.Object({ network: Network }, strict)
const WalletView = Type.Object({ network: Type.String(), address: Type.String(), secretKey: Type.String() })
const FaucetBody = Type.Object({ network: Network, address: Text, amount: MicrosInput }, strict)
const SendBody = Type.Object({ network: Network, secretKey: Text, to: Text, amount: MicrosInput }, strict)
const ChainsView = Type.Object({
  solana: Type.Object({ rpcUrl: Type.String(), mint: Type.String(), faucet: Type.String() }),
})

/** Personal wallets outside the market, on local chains whose money is worth nothing. */
export const chainRoutes =
  ({ access, publicUrl, solana }: SandboxParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const config = access
    const wallet = { tags, summary: 'Make a personal wallet', body: WalletBody, response: { 201: WalletView } }
    app.post('/wallets', { config, schema: wallet }, async (request, reply) => {
      const network = known(request.body.network)
      return reply.code(201).send({ network, ...(await createWallet()) })
    })

    const give = { tags, summary: 'Test USDC and gas for an address', body: FaucetBody, response: { 200: Sent } }
    app.post('/faucet', { config, schema: give }, async (request) => {
      const { network, address, amount } = request.body
      known(network)
      return orRefusal(faucet({ rpcUrl: solana.rpcUrl, address, amount: microsOf(amount) }))
    })

    const send = { tags, summary: 'Send USDC from a personal wallet', body: SendBody, response: { 200: Sent } }
    app.post('/send', { config, schema: send }, async (request) => {
      const { network, secretKey, to, amount } = request.body
      known(network)
      return orRefusal(sendToken({ ...solana, secretKey, to, amount: microsOf(amount) }))
    })

    const chains = { tags, summary: 'The local chains', response: { 200: ChainsView } }
    app.get('/chains', { config, schema: chains }, async () => ({
      solana: { ...solana, faucet: `${publicUrl}/sandbox/faucet` },
    }))
  }

function known(network: string): string {
  if (SUPPORTED.includes(network)) return network
  throw sandboxRefusals.network_not_available({ network, supported: SUPPORTED.join(', ') })
}
