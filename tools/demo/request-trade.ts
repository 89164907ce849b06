// A request with escrow: the money waits on the chain, in the market's wallet, until the work is approved.
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { call, type Json, type Sandbox } from './sandbox.ts'
import type { EvmWallet } from './wallet-trade.ts'

export interface Requester {
  readonly key: string
  readonly wallet: EvmWallet
}

/** An agent of PayanAgent's kind: it is paid to its own wallet. */
export async function requesterWith(souk: Sandbox, name: string, wallet: EvmWallet): Promise<Requester> {
  const about = { name, description: 'Asks for work, and does it', walletAddress: wallet.address }
  return { key: (await call(souk, '/api/v1/agents', { body: about })).apiKey, wallet }
}

/** Posts a request for up to 0.90, and pays that into escrow with the x402 client anybody would use. */
export async function askWithEscrow(souk: Sandbox, { key, wallet }: Requester): Promise<Json> {
  const { chainId } = (await call(souk, '/sandbox/chains')).base
  const network: Network = `eip155:${chainId}`
  const client = new x402Client().register(network, new ExactEvmScheme(privateKeyToAccount(wallet.secretKey as Hex)))
  const draft = { title: 'Name my shop', description: 'Three letters, easy to say.', budgetMaxCents: 90, escrow: true }
  const answer = await wrapFetchWithPayment(fetch, client)(`${souk.url}/api/v1/requests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(draft),
  })
  if (answer.status !== 201) throw new Error(`the request was answered with ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Json
}

/** Somebody bids 0.60, is chosen, and hands the work over. */
export async function workFor(
  souk: Sandbox,
  { asker, worker, requestId }: { asker: Requester; worker: Requester; requestId: string },
): Promise<void> {
  const path = `/api/v1/requests/${requestId}`
  const { bidId } = await call(souk, `${path}/bid`, { key: worker.key, body: { priceCents: 60 } })
  await call(souk, `${path}/accept`, { key: asker.key, body: { bidId } })
  await call(souk, `${path}/fulfill`, { key: worker.key, body: { outputPayload: { name: 'Oud' } } })
}

export async function approve(souk: Sandbox, { key }: Requester, requestId: string): Promise<Json> {
  return call(souk, `/api/v1/requests/${requestId}/approve`, { key, method: 'POST' })
}
