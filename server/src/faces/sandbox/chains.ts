import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { MicrosInput, microsOf } from '../v1/amounts.ts'
import { orRefusal } from './errors.ts'
import type { SandboxParts } from './index.ts'
import { networksOf } from './networks.ts'

const tags = ['Sandbox']
const strict = { additionalProperties: false }
const Network = Type.String({ maxLength: 32, description: 'solana or base' })
const Text = Type.String({ minLength: 1, maxLength: 200 })
const Sent = Type.Object({ txHash: Type.String() })

const WalletBody = Type.Object({ network: Network }, strict)
const WalletView = Type.Object({ network: Type.String(), address: Type.String(), secretKey: Type.String() })
const FaucetBody = Type.Object({ network: Network, address: Text, amount: MicrosInput }, strict)
const SendBody = Type.Object({ network: Network, secretKey: Text, to: Text, amount: MicrosInput }, strict)
const ChainsView = Type.Object({
  solana: Type.Object({ rpcUrl: Type.String(), mint: Type.String(), faucet: Type.String() }),
  base: Type.Optional(
    Type.Object({ rpcUrl: Type.String(), chainId: Type.Integer(), token: Type.String(), faucet: Type.String() }),
  ),
})

/** Personal wallets outside the market, on local chains whose money is worth nothing. */
export const chainRoutes =
  ({ access, publicUrl, solana, base }: SandboxParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const config = access
    const networkOf = networksOf({ solana, base })
    const wallet = { tags, summary: 'Make a personal wallet', body: WalletBody, response: { 201: WalletView } }
    app.post('/wallets', { config, schema: wallet }, async (request, reply) => {
      const { network } = request.body
      return reply.code(201).send({ network, ...(await networkOf(network).createWallet()) })
    })

    const give = { tags, summary: 'Test USDC and gas for an address', body: FaucetBody, response: { 200: Sent } }
    app.post('/faucet', { config, schema: give }, async (request) => {
      const { network, address, amount } = request.body
      return orRefusal(networkOf(network).faucet({ address, amount: microsOf(amount) }))
    })

    const send = { tags, summary: 'Send USDC from a personal wallet', body: SendBody, response: { 200: Sent } }
    app.post('/send', { config, schema: send }, async (request) => {
      const { network, secretKey, to, amount } = request.body
      return orRefusal(networkOf(network).send({ secretKey, to, amount: microsOf(amount) }))
    })

    const chains = { tags, summary: 'The local chains', response: { 200: ChainsView } }
    const faucet = `${publicUrl}/sandbox/faucet`
    app.get('/chains', { config, schema: chains }, async () => ({
      solana: { ...solana, faucet },
      ...(base === null ? {} : { base: { ...base, faucet } }),
    }))
  }
