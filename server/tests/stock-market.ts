import { request as startRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWallet, faucet } from '@souk/devchain/evm'
import { x402Facilitator } from '@x402/core/facilitator'
import type { FacilitatorClient } from '@x402/core/server'
import type { Network } from '@x402/core/types'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme as SettlingScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmScheme as SellingScheme } from '@x402/evm/exact/server'
import { paymentMiddleware, x402ResourceServer } from '@x402/express'
import express from 'express'
import { createWalletClient, defineChain, getAddress, type Hex, http, publicActions } from 'viem'
import { nonceManager, privateKeyToAccount } from 'viem/accounts'
import { EVM_NETWORK, TOKEN } from './evm-payments.ts'
import { startSeller } from './seller.ts'

/** What stands between the stock seller and whoever asks it: what it does with requests that carry a payment. */
export type Manners =
  /** All goes as it should. */
  | 'honest'
  /** Settles, and then … */
  | 'fails after'
  | 'asks again after'
  | 'breaks off after'
  | 'answers too much after'
  | 'redirects after'
  /** Does not settle, and … */
  | 'asks again'
  | 'fails'
  | 'gives for nothing'

export interface StockMarket {
  readonly url: string
  readonly wallet: Hex
  manners: Manners
  /** Requests with a payment that came to the door. */
  paid: number
  /** How often the work was done. */
  worked: number
  close(): void
}

export const STOCK_PRICE = 1_234n

/** A seller as the field's own packages make it, with a facilitator of its own on the same chain. */
export async function startStockMarket(rpcUrl: string, options: { afterMs?: number } = {}): Promise<StockMarket> {
  const wallet = getAddress((await createWallet()).address)
  const facilitator = await settling(rpcUrl)
  const server = new x402ResourceServer(facilitator).register(EVM_NETWORK as Network, new SellingScheme())
  const { address: asset, name, version } = TOKEN
  const accepts = {
    ...{ scheme: 'exact', network: EVM_NETWORK as Network, payTo: wallet },
    price: { asset, amount: String(STOCK_PRICE), extra: { name, version } },
  }
  const about = { accepts, description: 'Says it louder.', mimeType: 'application/json' }
  const app = express()
  app.use(paymentMiddleware({ 'POST /shout': about, 'GET /shout': about }, server))
  app.use(express.json())
  const shout = async (text: unknown) => {
    market.worked++
    await new Promise((resolve) => setTimeout(resolve, options.afterMs ?? 0))
    return { loud: String(text).toUpperCase() }
  }
  app.post('/shout', async (request, response) => {
    response.json(await shout((request.body as { text?: unknown }).text))
  })
  app.get('/shout', async (request, response) => {
    response.setHeader('EXTENSION-RESPONSES', 'e30=')
    response.json(await shout(request.query['text']))
  })
  const behind = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => behind.once('listening', resolve))
  const door = await startDoor((behind.address() as AddressInfo).port, () => market)
  const market: StockMarket = {
    ...{ url: `${door.url}/shout`, wallet, manners: 'honest', paid: 0, worked: 0 },
    close: () => {
      door.close()
      behind.close()
      behind.closeAllConnections()
    },
  }
  return market
}

async function settling(rpcUrl: string): Promise<FacilitatorClient> {
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl, address, amount: 0n })
  const chain = defineChain({
    ...{ id: TOKEN.chainId, name: EVM_NETWORK, rpcUrls: { default: { http: [rpcUrl] } } },
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  })
  const account = privateKeyToAccount(secretKey as Hex, { nonceManager })
  const client = createWalletClient({ account, chain, transport: http(rpcUrl), pollingInterval: 20 }).extend(
    publicActions,
  )
  const signer = toFacilitatorEvmSigner({ ...client, address: account.address } as never)
  const facilitator = new x402Facilitator().register(EVM_NETWORK as Network, new SettlingScheme(signer))
  return {
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    settle: (payload, requirements) => facilitator.settle(payload, requirements),
    getSupported: async () => facilitator.getSupported() as Awaited<ReturnType<FacilitatorClient['getSupported']>>,
  }
}

const HUGE = Buffer.alloc(2 * 1024 * 1024, 'x')

/** Lets requests through to the seller, and answers paid ones as it pleases. */
function startDoor(port: number, market: () => StockMarket) {
  return startSeller((request, response) => {
    const isPaid = request.headers['payment-signature'] !== undefined
    const { manners } = market()
    if (isPaid) market().paid++
    if (isPaid && manners === 'fails') return void response.writeHead(500).end('no')
    if (isPaid && manners === 'asks again')
      return void response.writeHead(402, { 'content-type': 'application/json' }).end('{"error":"not good enough"}')
    if (isPaid && manners === 'gives for nothing') return void response.writeHead(200).end('"free"')
    const { method, url: path, headers } = request
    const inner = startRequest({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        if (!isPaid || manners === 'honest')
          return void response.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(chunks))
        if (manners === 'fails after') response.writeHead(500, { 'content-type': 'text/plain' }).end('sorry')
        if (manners === 'asks again after') response.writeHead(402).end('{"x402Version":1,"error":"again, please"}')
        if (manners === 'breaks off after') request.socket.destroy()
        if (manners === 'redirects after') response.writeHead(302, { location: 'http://10.0.0.1/' }).end()
        if (manners === 'answers too much after') response.writeHead(200).end(HUGE)
      })
    })
    request.pipe(inner)
  })
}
