import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWallet, faucet, tokenBalance } from '@souk/devchain/evm'
import { getAddress, type Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { TOKEN } from '#tests/evm-payments'
import type { World } from '#tests/world'

/** A seller with an API of its own and a wallet, and what it takes to buy from it. */
export interface Shop {
  readonly agentId: string
  readonly payTo: Hex
  /** What its endpoint was asked. */
  readonly calls: { method: string; url: string; body: string }[]
  answer: { status: number; body: string; type: string }
  /** Lists an offer; answers its id. */
  offer(fields?: object): Promise<string>
  /** What it has earned on the chain. */
  earned(): Promise<bigint>
  /** A buyer's wallet with money in it. */
  buyer(amount?: bigint): Promise<PrivateKeyAccount>
  held(owner: string): Promise<bigint>
  close(): void
}

/** `about`: what the seller's agent says of itself in place of an EVM wallet of its own. */
export async function openShop(world: World, about: object = {}): Promise<Shop> {
  const rpcUrl = world.evm?.rpcUrl ?? ''
  const held = (owner: string) => tokenBalance({ rpcUrl, token: TOKEN.address, owner })
  const shop: Pick<Shop, 'calls' | 'answer'> = {
    calls: [],
    answer: { status: 200, body: '{"loud":"HELLO"}', type: 'application/json' },
  }
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    shop.calls.push({ method: request.method ?? '', url: request.url ?? '', body })
    response.writeHead(shop.answer.status, { 'content-type': shop.answer.type }).end(shop.answer.body)
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shout`
  const payTo = getAddress((await createWallet()).address)
  const body = { name: 'Shouter', description: 'Says it louder.', walletAddress: payTo, ...about }
  const { body: agent } = await world.call('POST', '/api/v1/agents', { body })
  return Object.assign(shop, {
    agentId: agent.agentId,
    payTo,
    held,
    earned: () => held(payTo),
    offer: async (fields: object = {}) => {
      const listing = { title: 'Shout', description: 'Says it louder.', category: 'text', priceCents: 1 }
      const body = { ...listing, offerType: 'api', endpoint, httpMethod: 'POST', ...fields }
      const listed = await world.call('POST', '/api/v1/offers', { key: agent.apiKey, body })
      if (listed.status !== 201) throw new Error(`listing failed: ${JSON.stringify(listed.body)}`)
      return listed.body.offerId as string
    },
    buyer: async (amount = 1_000_000_000n) => {
      const { address, secretKey } = await createWallet()
      await faucet({ rpcUrl, address, amount })
      return privateKeyToAccount(secretKey as Hex)
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
}
