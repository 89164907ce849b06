import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSigner } from '@solana/kit'
import { createWallet, faucet, tokenBalance } from '@souk/devchain/evm'
import type { Network, PaymentRequired } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import {
  decodeSignedOffers,
  extractOffersFromPaymentRequired,
  extractReceiptFromResponse,
  findAcceptsObjectFromSignedOffer,
  type JWSSignedOffer,
  type JWSSignedReceipt,
  verifyOfferSignatureJWS,
  verifyReceiptMatchesOffer,
  verifyReceiptSignatureJWS,
} from '@x402/extensions/offer-receipt'
import {
  createSIWxClientExtension,
  createSIWxPayload,
  encodeSIWxHeader,
  type SIWxExtension,
  type SIWxPayload,
  type SIWxSigner,
  wrapFetchWithSIWx,
} from '@x402/extensions/sign-in-with-x'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import sql from 'sql-template-tag'
import { getAddress, type Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { EVM_NETWORK, TOKEN } from '#tests/evm-payments'
import { type Answer, openWorld, type TestAgent, type World } from '#tests/world'

let world: World
let endpoint: { readonly server: Server; readonly url: string; calls: number }
let agent: { key: string; agentId: string; wallet: Hex }
let buyer: PrivateKeyAccount

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  endpoint = await startEndpoint()
  agent = await registered()
  buyer = await fundedWallet()
})
afterAll(async () => {
  await world.close()
  endpoint.server.close()
})
beforeEach(() => {
  endpoint.calls = 0
})

/** Answers with how often it was asked, so that no two answers are the same by chance. */
async function startEndpoint() {
  const made = { calls: 0, total: 0 }
  const server = createServer((_request, response) => {
    endpoint.calls += 1
    made.total += 1
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"answer":${made.total}}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls: 0 }
}

async function registered(wallet = privateKeyToAccount(`0x${randomBytes(32).toString('hex')}`).address as Hex) {
  const about = { name: 'Counter', description: 'Counts.', walletAddress: wallet }
  const { body } = await world.call('POST', '/api/v1/agents', { body: about })
  return { key: body.apiKey as string, agentId: body.agentId as string, wallet }
}

async function fundedWallet(): Promise<PrivateKeyAccount> {
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount: 10_000_000n })
  return privateKeyToAccount(secretKey as Hex)
}

const held = (owner: string) => tokenBalance({ rpcUrl: world.evm?.rpcUrl ?? '', token: TOKEN.address, owner })

async function offer(fields: object = {}): Promise<string> {
  const about = { title: 'Count', description: 'Counts.', category: 'text', priceCents: 1, offerType: 'api' }
  const body = { ...about, endpoint: `${endpoint.url}/count`, ...fields }
  const answer = await world.call('POST', '/api/v1/offers', { key: agent.key, body })
  return answer.body.offerId
}

const clientOf = (from: PrivateKeyAccount) =>
  new x402Client().register(EVM_NETWORK as Network, new ExactEvmScheme(from))
const paying = (from = buyer) => wrapFetchWithPayment(fetch, clientOf(from))
/** As anybody's client that signs in first and pays where that opens nothing. */
const signingInOrPaying = (from = buyer) =>
  wrapFetchWithPayment(fetch, clientOf(from).registerExtension(createSIWxClientExtension({ signers: [from] })))

async function demandOf(url: string): Promise<PaymentRequired> {
  const answer = await fetch(url)
  expect(answer.status).toBe(402)
  return JSON.parse(Buffer.from(answer.headers.get('payment-required') ?? '', 'base64').toString())
}

test('offer-receipt: the 402 carries the terms signed, once for many challenges, and the stock package verifies them', async () => {
  const id = await offer()
  const url = `${world.url}/x402/${id}`
  const demand = await demandOf(url)
  const offers = extractOffersFromPaymentRequired(demand)
  expect(offers.map(({ acceptIndex }) => acceptIndex)).toEqual(demand.accepts.map((_, index) => index))
  for (const signed of offers) {
    // Resolves did:web: it asks /.well-known/did.json for the key.
    const payload = await verifyOfferSignatureJWS(signed as JWSSignedOffer)
    expect(payload).toMatchObject({ version: 1, resourceUrl: url, scheme: 'exact', amount: '10000' })
    expect(findAcceptsObjectFromSignedOffer(signed, demand.accepts)?.payTo).toBe(payload.payTo)
    expect(payload.validUntil - Date.now() / 1000).toBeGreaterThan(290)
  }
  expect(extractOffersFromPaymentRequired(await demandOf(url))).toEqual(offers)
  const [header = '', , signature = ''] = offers[0]?.signature.split('.') ?? []
  const cheaper = Buffer.from(JSON.stringify({ ...decodeSignedOffers(offers)[0], amount: '1' })).toString('base64url')
  const forged = { format: 'jws' as const, signature: `${header}.${cheaper}.${signature}` }
  await expect(verifyOfferSignatureJWS(forged)).rejects.toThrow(/signature/)
  await world.call('PATCH', `/api/v1/offers/${id}`, { key: agent.key, body: { priceCents: 2 } })
  expect(decodeSignedOffers(extractOffersFromPaymentRequired(await demandOf(url)))[0]?.amount).toBe('20000')
})

test('offer-receipt: the key is not that of the market’s receipts', async () => {
  const [did, keys] = [
    await world.call('GET', '/.well-known/did.json'),
    await world.call('GET', '/.well-known/jwks.json'),
  ]
  const { host } = new URL(world.url)
  expect(did.body.id).toBe(`did:web:${encodeURIComponent(host)}`)
  expect(did.body.assertionMethod).toEqual([did.body.verificationMethod[0].id])
  expect(did.body.verificationMethod[0].publicKeyJwk.x).not.toBe(keys.body.keys[0].x)
})

test('offer-receipt: who has paid gets a receipt that the stock package verifies and that fits the offer', async () => {
  const id = await offer()
  const url = `${world.url}/x402/${id}`
  const [signed] = decodeSignedOffers(extractOffersFromPaymentRequired(await demandOf(url)))
  const answer = await paying()(url)
  const receipt = extractReceiptFromResponse(answer)
  if (!receipt || !signed) throw new Error('nothing is signed')
  const payload = await verifyReceiptSignatureJWS(receipt as JWSSignedReceipt)
  const transaction = answer.headers.get('x-tx-hash')
  expect(payload).toMatchObject({ version: 1, network: EVM_NETWORK, resourceUrl: url, transaction })
  expect(verifyReceiptMatchesOffer(receipt, signed, [buyer.address])).toBe(true)
})

test('D-16 sign-in-with-x: an unchanged client that signs in gets its kept answer again and pays nothing', async () => {
  const url = `${world.url}/x402/${await offer()}?city=Turin`
  const bought = await (await signingInOrPaying()(url)).json()
  const before = await held(buyer.address)
  const again = await signingInOrPaying()(url)
  expect([again.status, await again.json()]).toEqual([200, bought])
  const byOtherWay = await wrapFetchWithSIWx(fetch, buyer)(url)
  expect([byOtherWay.status, await byOtherWay.json()]).toEqual([200, bought])
  expect(byOtherWay.headers.get('x-receipt-id')).toBe(again.headers.get('x-receipt-id'))
  expect([endpoint.calls, await held(buyer.address)]).toEqual([1, before])
})

test('D-16 sign-in-with-x: another question, another wallet, another resource are bought, not opened', async () => {
  const id = await offer()
  const url = `${world.url}/x402/${id}?city=Turin`
  const first = await (await paying()(url)).json()
  const second = await (await signingInOrPaying()(`${world.url}/x402/${id}?city=Oslo`)).json()
  const third = await (await signingInOrPaying(await fundedWallet())(url)).json()
  const fourth = await (await signingInOrPaying()(`${world.url}/x402/${await offer()}?city=Turin`)).json()
  expect(new Set([first, second, third, fourth].map((each) => JSON.stringify(each))).size).toBe(4)
  expect(endpoint.calls).toBe(4)
  // Of two purchases of the same it is the later one.
  const fifth = await (await paying()(url)).json()
  expect(await (await wrapFetchWithSIWx(fetch, buyer)(url)).json()).toEqual(fifth)
})

test('D-16 sign-in-with-x: it opens after the 120 s of the bare payment, and for seven days', async () => {
  const id = await offer()
  const url = `${world.url}/x402/${id}`
  const bought = await (await paying()(url)).json()
  const age = (minutes: number) =>
    world.souk.store.transact((tx) =>
      tx.run(sql`update purchase set ended_at = ended_at - ${minutes} * interval '1 minute' where ware_id = ${id}`),
    )
  await age(60 * 24 * 6)
  expect(await (await wrapFetchWithSIWx(fetch, buyer)(url)).json()).toEqual(bought)
  await age(60 * 24)
  expect((await wrapFetchWithSIWx(fetch, buyer)(url)).status).toBe(402)
})

/** A challenge as the market gives it, signed by hand so that it can be spoiled. */
async function signedFor(
  challenge: SIWxExtension,
  signer: SIWxSigner,
  { change = {}, type = 'eip191' }: { change?: Partial<SIWxPayload>; type?: string } = {},
): Promise<Record<string, string>> {
  const chain = challenge.supportedChains.find((each) => each.type === type)
  if (!chain) throw new Error(`no chain for ${type}`)
  const info = { ...challenge.info, chainId: chain.chainId, type: chain.type }
  const payload = await createSIWxPayload(info, signer, challenge.info.uri)
  return { 'sign-in-with-x': encodeSIWxHeader({ ...payload, ...change }) }
}

async function challengeFor(path?: string): Promise<SIWxExtension> {
  const query = path === undefined ? '' : `?for=${encodeURIComponent(path)}`
  return (await world.call('GET', `/api/v1/auth/wallet${query}`)).body
}

const claim = async (signer: SIWxSigner, type?: string): Promise<Answer> => {
  const headers = await signedFor(await challengeFor(), signer, type === undefined ? {} : { type })
  return world.call('POST', '/api/v1/auth/wallet', { headers })
}

test('sign-in-with-x: each challenge opens once, also when it is sent ten times at once', async () => {
  const id = await offer()
  await paying()(`${world.url}/x402/${id}`)
  const demand = await demandOf(`${world.url}/x402/${id}`)
  const challenge = demand.extensions?.['sign-in-with-x'] as unknown as SIWxExtension
  const headers = await signedFor(challenge, buyer)
  const answers = await Promise.all(Array.from({ length: 10 }, () => world.call('GET', `/x402/${id}`, { headers })))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(402)])
  expect((await world.call('GET', `/x402/${id}`, { headers })).body.error).toMatch(/used before/)
})

test('sign-in-with-x: what is not our own fresh challenge for this resource opens nothing', async () => {
  const challenge = await challengeFor()
  const wrong: Partial<SIWxPayload>[] = [
    { nonce: randomBytes(16).toString('hex') },
    { issuedAt: new Date(Date.now() - 1000).toISOString() },
    { uri: `${world.url}/api/v1/agents/me/wallet` },
    { domain: 'market.example' },
    { chainId: 'eip155:1' },
    { address: getAddress(agent.wallet) },
    { address: '0x1' },
    { statement: 'Something else.' },
    { expirationTime: new Date(Date.now() - 1000).toISOString() },
    { signature: `0x${'11'.repeat(65)}` },
  ]
  for (const change of wrong) {
    const headers = await signedFor(challenge, buyer, { change })
    const answer = await world.call('POST', '/api/v1/auth/wallet', { headers })
    expect([change, answer.status, answer.body.code]).toEqual([change, 401, 'sign_in_refused'])
  }
  for (const header of ['!!', Buffer.from('[]').toString('base64')]) {
    const answer = await world.call('POST', '/api/v1/auth/wallet', { headers: { 'sign-in-with-x': header } })
    expect([answer.status, answer.body.code]).toEqual([401, 'sign_in_refused'])
  }
  expect((await world.call('POST', '/api/v1/auth/wallet')).body.code).toBe('sign_in_missing')
  const forOther = await signedFor(await challengeFor('/api/v1/agents/me/wallet'), buyer)
  expect((await world.call('POST', '/api/v1/auth/wallet', { headers: forOther })).status).toBe(401)
  expect((await world.call('POST', '/api/v1/auth/wallet', { headers: await signedFor(challenge, buyer) })).status).toBe(
    201,
  )
})

test('D-16 GET /api/v1/purchases/:id shows what was bought to the payer who signs in, and to nobody else', async () => {
  const id = await offer()
  const bought = await paying()(`${world.url}/x402/${id}`)
  const path = `/api/v1/purchases/${bought.headers.get('x-purchase-id')}`
  const plain = await world.call('GET', path)
  expect(plain.body).toMatchObject({ status: 'settled' })
  expect(plain.body).not.toHaveProperty('answer')
  const headers = await signedFor(await challengeFor(path), buyer)
  const shown = await world.call('GET', path, { headers })
  expect(shown.body.answer).toMatchObject({ status: 200, contentType: 'application/json', encoding: 'utf8' })
  expect(JSON.parse(shown.body.answer.body)).toEqual(await bought.json())
  const stranger = await fundedWallet()
  const theirs = await world.call('GET', path, { headers: await signedFor(await challengeFor(path), stranger) })
  expect([theirs.status, theirs.body.code]).toEqual([403, 'not_the_payer'])
})

test('PA-13 the agent of a wallet that has bought is claimed by the wallet’s signature, and trades from then on', async () => {
  const wallet = await fundedWallet()
  await paying(wallet)(`${world.url}/x402/${await offer()}`)
  const claimed = await claim(wallet)
  expect(claimed.status).toBe(201)
  const { agentId, apiKey: key } = claimed.body
  const { body: receipts } = await world.call('GET', `/api/v1/agents/${agentId}/receipts?side=buyer`)
  expect(receipts.stats.receiptsBought).toBe(1)
  const me = await world.call('GET', '/api/v1/agents/me', { key })
  expect(me.body).toMatchObject({ id: agentId, walletVerified: true, walletAddress: wallet.address.toLowerCase() })
  expect(me.body.depositAddress).toEqual(expect.any(String))
  const listing = { title: 'Mine', description: 'x', category: 'x', priceCents: 1, offerType: 'api' }
  const listed = await world.call('POST', '/api/v1/offers', { key, body: { ...listing, endpoint: endpoint.url } })
  const demand = await demandOf(`${world.url}/x402/${listed.body.offerId}`)
  expect(demand.accepts[0]?.payTo.toLowerCase()).toBe(wallet.address.toLowerCase())
  const second = await claim(wallet)
  expect([second.body.agentId, second.body.apiKey === key]).toEqual([agentId, false])
})

test('PA-13 a wallet on Solana claims an agent of its own too, by Ed25519', async () => {
  const signer = await generateKeyPairSigner()
  const claimed = await claim(signer as unknown as SIWxSigner, 'ed25519')
  expect([claimed.status, claimed.body.walletAddress]).toEqual([201, signer.address])
  const me = await world.call('GET', '/api/v1/agents/me', { key: claimed.body.apiKey })
  expect(me.body).toMatchObject({ walletAddress: signer.address, walletVerified: true })
})

test('PA-13 one challenge sent ten times at once gives one key', async () => {
  const headers = await signedFor(await challengeFor(), await fundedWallet())
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => world.call('POST', '/api/v1/auth/wallet', { headers })),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(401)])
})

test('who names a wallet is not its agent: claiming it gives neither the other’s key nor its place to be paid', async () => {
  const wallet = await fundedWallet()
  const namer = await registered(wallet.address)
  const claimed = await claim(wallet)
  expect(claimed.status).toBe(201)
  expect(claimed.body.agentId).not.toBe(namer.agentId)
  const theirs = await world.call('GET', `/api/v1/agents/${namer.agentId}`)
  expect(theirs.body).toMatchObject({ walletAddress: wallet.address, walletVerified: false })
})

test('an agent proves the wallet it is paid at by its signature, and only that one', async () => {
  const wallet = await fundedWallet()
  const { key, agentId } = await registered(wallet.address)
  const path = '/api/v1/agents/me/wallet'
  const prove = async (signer: SIWxSigner, type?: string) => {
    const headers = await signedFor(await challengeFor(path), signer, type === undefined ? {} : { type })
    return world.call('POST', path, { key, headers })
  }
  const other = await prove(buyer)
  expect([other.status, other.body.code]).toEqual([409, 'wallet_not_yours'])
  expect((await world.call('GET', `/api/v1/agents/${agentId}`)).body.walletVerified).toBe(false)
  const proven = await prove(wallet)
  expect([proven.status, proven.body]).toEqual([200, { agentId, walletAddress: wallet.address, walletVerified: true }])
  expect((await world.call('GET', `/api/v1/agents/${agentId}`)).body.walletVerified).toBe(true)
  // Another wallet, by the operator's hand, has not signed.
  const body = { payoutWallet: getAddress((await createWallet()).address) }
  await world.call('PATCH', `/api/v1/admin/agents/${agentId}`, { key: world.operatorKey, body })
  expect((await world.call('GET', `/api/v1/agents/${agentId}`)).body.walletVerified).toBe(false)
})

test('an agent that has named no wallet is paid at the one that signs, unless another agent is', async () => {
  const path = '/api/v1/agents/me/wallet'
  const wallet = await fundedWallet()
  const [one, two] = [await world.agent(), await world.agent()]
  const headers = await signedFor(await challengeFor(path), wallet)
  expect((await one.post(path, undefined, headers)).status).toBe(200)
  expect((await one.get('/api/v1/agents/me')).body).toMatchObject({ walletVerified: true })
  const taken = await two.post(path, undefined, await signedFor(await challengeFor(path), wallet))
  expect([taken.status, taken.body.code]).toEqual([409, 'wallet_taken'])
})

test('a wallet on Solana that signs is where its agent is paid there, beside the one on EVM, and nobody else’s', async () => {
  const path = '/api/v1/agents/me/wallet'
  const [wallet, stranger] = [await generateKeyPairSigner(), await generateKeyPairSigner()]
  const prove = async (agent: { post: TestAgent['post'] }, signer: typeof wallet) => {
    const headers = await signedFor(await challengeFor(path), signer as unknown as SIWxSigner, { type: 'ed25519' })
    return agent.post(path, undefined, headers)
  }
  const [one, two] = [await world.agent(), await world.agent()]
  expect((await prove(one, wallet)).body).toMatchObject({ walletAddress: wallet.address, walletVerified: true })
  expect((await one.get('/api/v1/agents/me')).body).toMatchObject({
    ...{ walletAddress: wallet.address, solanaWalletAddress: wallet.address, walletVerified: true },
  })
  const taken = await prove(two, wallet)
  expect([taken.status, taken.body.code]).toEqual([409, 'wallet_taken'])
  const other = await prove(one, stranger)
  expect([other.status, other.body.code]).toEqual([409, 'wallet_not_yours'])
  // By the operator's hand it is another, which has not signed; and then that one signs.
  const body = { solanaWallet: stranger.address }
  await world.call('PATCH', `/api/v1/admin/agents/${one.id}`, { key: world.operatorKey, body })
  expect((await one.get('/api/v1/agents/me')).body).toMatchObject({ walletVerified: false })
  expect((await prove(one, stranger)).status).toBe(200)
  expect((await prove(two, wallet)).status).toBe(200)
})

test('challenges that are used are forgotten once they are too old to be used', async () => {
  const rows = () => world.souk.store.read.rows(sql`select 1 from sign_in_nonce`)
  expect((await rows()).length).toBeGreaterThan(0)
  await world.souk.store.transact((tx) =>
    tx.run(sql`update sign_in_nonce set expires_at = expires_at - interval '1 hour'`),
  )
  await world.settle()
  expect(await rows()).toEqual([])
})
