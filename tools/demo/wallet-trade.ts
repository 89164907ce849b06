// The part of the story that needs no account: a wallet buys a call from an API, with the x402 client anybody would use.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, type Hex, http, parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { call, type Json, type Sandbox } from './sandbox.ts'

/** A wallet on the local EVM chain. */
export interface EvmWallet {
  readonly address: string
  readonly secretKey: string
}

export interface Shop {
  readonly offerId: string
  close(): void
}

export async function newEvmWallet(souk: Sandbox): Promise<EvmWallet> {
  return call(souk, '/sandbox/wallets', { body: { network: 'base' } })
}

export async function fillEvm(souk: Sandbox, { address }: EvmWallet, amount: bigint): Promise<void> {
  await call(souk, '/sandbox/faucet', { body: { network: 'base', address, amount: String(amount) } })
}

/** What a wallet holds, asked of the chain itself. */
export async function onEvmChain(souk: Sandbox, { address }: EvmWallet): Promise<bigint> {
  const { rpcUrl, token } = (await call(souk, '/sandbox/chains')).base
  const abi = parseAbi(['function balanceOf(address) view returns (uint256)'])
  const client = createPublicClient({ transport: http(rpcUrl) })
  return client.readContract({ address: token, abi, functionName: 'balanceOf', args: [address as Hex] })
}

/** Dora's API, and its listing: two cents a call, paid to her wallet. */
export async function openShop(souk: Sandbox, { address }: EvmWallet): Promise<Shop> {
  const server = createServer((request, response) => {
    const text = new URL(request.url ?? '/', 'http://localhost').searchParams.get('text') ?? ''
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ backwards: [...text].reverse().join('') }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const about = { name: 'dora', description: 'Turns texts round', walletAddress: address }
  const { apiKey: key } = await call(souk, '/api/v1/agents', { body: about })
  const listing = { title: 'Mirror', description: 'Says a text backwards', category: 'text', priceCents: 2 }
  const body = { ...listing, offerType: 'api', endpoint, httpMethod: 'GET' }
  const { offerId } = await call(souk, '/api/v1/offers', { key, body })
  return { offerId, close: () => void server.close() }
}

/** Buys with nothing but the wallet: asks, hears the price, signs, asks again. */
export async function buyWith(souk: Sandbox, { secretKey }: EvmWallet, { offerId }: Shop): Promise<Json> {
  const { chainId } = (await call(souk, '/sandbox/chains')).base
  const network: Network = `eip155:${chainId}`
  const client = new x402Client().register(network, new ExactEvmScheme(privateKeyToAccount(secretKey as Hex)))
  const answer = await wrapFetchWithPayment(fetch, client)(`${souk.url}/x402/${offerId}?text=souk`)
  if (answer.status !== 200) throw new Error(`the purchase was answered with ${answer.status} ${await answer.text()}`)
  const { headers } = answer
  return { output: await answer.json(), receiptId: headers.get('x-receipt-id'), txHash: headers.get('x-tx-hash') }
}
