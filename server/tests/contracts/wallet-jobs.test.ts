import { randomBytes } from 'node:crypto'
import { createWallet, faucet, sendToken, tokenBalance } from '@souk/devchain/evm'
import { walletSigner } from '@souk/devchain/solana'
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { createSIWxPayload, encodeSIWxHeader, wrapFetchWithSIWx } from '@x402/extensions/sign-in-with-x'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import sql from 'sql-template-tag'
import type { Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeAuthorization } from '#settlement'
import { EVM_NETWORK, signPayment, TOKEN } from '#tests/evm-payments'
import { SVM_NETWORK, signTransaction } from '#tests/svm-payments'
import { type Answer, openWorld, type TestAgent, type World } from '#tests/world'

let world: World
let seller: TestAgent
let buyer: PrivateKeyAccount

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  seller = await world.agent({ funds: 0n })
  buyer = await fundedWallet()
})
afterAll(() => world.close())

const PRICE = 500_000n
const FEE = 15_000n

async function fundedWallet(amount = 100_000_000n): Promise<PrivateKeyAccount> {
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount })
  return privateKeyToAccount(secretKey as Hex)
}

const held = (owner: string) => tokenBalance({ rpcUrl: world.evm?.rpcUrl ?? '', token: TOKEN.address, owner })
const stockFetch = (from = buyer) =>
  wrapFetchWithPayment(fetch, new x402Client().register(EVM_NETWORK as Network, new ExactEvmScheme(from)))

const TEXT = { text: 'long' }
const OUTPUT = { bullets: ['short'] }
const urlOf = (serviceId: string) => `${world.url}/x402/${serviceId}`
const post = (headers: Record<string, string> = {}, body: object = TEXT) => ({
  ...{ method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } },
})
const AT_ONCE = { prefer: 'wait=0' }

async function demandOf(serviceId: string) {
  const answer = await world.call('POST', `/x402/${serviceId}`, { body: TEXT })
  expect(answer.status).toBe(402)
  return { answer, required: JSON.parse(Buffer.from(String(answer.headers['payment-required']), 'base64').toString()) }
}

/** The header a wallet makes for this service, by hand, so that it can be sent again and again. */
async function headerFor(
  serviceId: string,
  from = buyer,
  { seconds = 60, ...more }: { seconds?: number; extensions?: object } = {},
): Promise<Record<string, string>> {
  const { required } = await demandOf(serviceId)
  const [accepted] = required.accepts
  const payment = await signPayment({ from, to: accepted.payTo, value: BigInt(accepted.amount), seconds })
  const payload = { x402Version: 2, accepted, payload: writeAuthorization(payment.authorization), ...more }
  return { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64'), ...AT_ONCE }
}

const named = (id: string) => ({ extensions: { 'payment-identifier': { info: { id } } } })

const buy = (serviceId: string, headers: Record<string, string>, body: object = TEXT): Promise<Answer> =>
  world.call('POST', `/x402/${serviceId}`, { headers, body })
const pathOf = (answer: Answer) => new URL(String(answer.headers['location'])).pathname
const deliver = (jobId: string) => seller.post(`/api/v1/jobs/${jobId}/deliver`, { output: OUTPUT })

const slotsOf = (serviceId: string) =>
  world.souk.store.read.one(sql`select active, queued from direct_slot where service_id = ${serviceId}`)

async function until(path: string, status: string): Promise<Answer> {
  return world.until(async () => {
    const answer = await world.call('GET', path)
    return answer.body.status === status && !answer.body.isReturning ? answer : undefined
  })
}

test('D-20 D-5 a service asks a wallet for price and fee, to be held at the market’s own wallet', async () => {
  const id = await world.service(seller)
  const { answer, required } = await demandOf(id)
  expect(answer.body).toMatchObject({ error: 'Payment required', priceUsd: 0.515 })
  const [accepted] = required.accepts
  expect(accepted).toMatchObject({ network: EVM_NETWORK, amount: String(PRICE + FEE), scheme: 'exact' })
  expect(accepted.extra.paymentFlow).toBe('escrow')
  const { body: wallets } = await world.call('GET', '/api/v1/admin/wallet', { key: world.operatorKey })
  expect(JSON.stringify(wallets)).toContain(accepted.payTo)
  expect(Object.keys(required.extensions).sort()).toEqual([
    ...['bazaar', 'offer-receipt', 'payment-identifier', 'sign-in-with-x'],
  ])
  // What a proxy lets through by default, or is told to.
  expect(String(answer.headers['payment-required']).length).toBeLessThan(8192)
  const listed = await world.call('GET', `/api/v1/services/${id}`)
  expect(listed.body.buyUrl).toBe(`/x402/${id}`)
})

test('D-20 an unchanged x402 client buys a service and has the output when the seller delivers while it waits', async () => {
  const id = await world.service(seller, { autoAccept: false })
  const [before, paid] = [await held(buyer.address), await seller.available()]
  const answering = stockFetch()(urlOf(id), post())
  const job = await world.until(async () => {
    const { body } = await seller.get('/api/v1/jobs?role=provider&status=pending')
    return body.jobs.find(({ serviceId }: { serviceId: string }) => serviceId === id)
  })
  expect((await seller.post(`/api/v1/jobs/${job.id}/accept`)).status).toBe(200)
  expect((await deliver(job.id)).status).toBe(200)
  const answer = await answering
  expect([answer.status, await answer.json()]).toEqual([200, OUTPUT])
  expect(before - (await held(buyer.address))).toBe(PRICE + FEE)
  const settled = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '')
  expect(settled).toMatchObject({ success: true, payer: buyer.address.toLowerCase(), network: EVM_NETWORK })
  const { body: deposit } = await world.call('GET', `/api/v1/receipts/${answer.headers.get('x-receipt-id')}`)
  expect(deposit.receipt).toMatchObject({ settlementType: 'escrow_deposit', txHash: settled.transaction })
  const path = new URL(answer.headers.get('location') ?? '').pathname
  const accepted = await world.call('POST', `${path}/accept-delivery`)
  expect([accepted.status, accepted.body.status]).toEqual([200, 'completed'])
  expect((await seller.available()) - paid).toBe(PRICE)
})

test('D-20 a seller that takes its time: 202, and the job is read and taken at an address nobody can guess', async () => {
  const id = await world.service(seller)
  const answer = await buy(id, await headerFor(id))
  expect([answer.status, answer.body]).toMatchObject([202, { serviceId: id, status: 'accepted', actions: ['cancel'] }])
  const path = pathOf(answer)
  expect(path.length).toBeGreaterThan('/x402/jobs/'.length + 60)
  const asked = world.call('GET', path, { headers: { prefer: 'wait=20' } })
  await deliver(answer.body.id)
  expect((await asked).headers['preference-applied']).toBe('wait=20')
  expect((await asked).body).toMatchObject({ status: 'delivered', output: OUTPUT, actions: ['accept-delivery'] })
  const before = await seller.available()
  await world.pass(301)
  expect((await world.call('GET', path)).body.status).toBe('completed')
  expect((await seller.available()) - before).toBe(PRICE)
})

test('D-20 the id of a job, which is public, opens nothing; the wallet that paid does, signed in', async () => {
  const id = await world.service(seller)
  const answer = await buy(id, await headerFor(id))
  const jobId = answer.body.id
  const own = `/x402/jobs/${jobId}`
  const token = pathOf(answer).split('/').at(-1) ?? ''
  const forged = `/x402/jobs/${token.slice(0, 30)}${token[30] === 'A' ? 'B' : 'A'}${token.slice(31)}`
  expect((await world.call('GET', forged)).status).toBe(404)
  expect([(await world.call('GET', own)).status, (await world.call('POST', `${own}/cancel`)).status]).toEqual([
    401, 401,
  ])
  const hired = await seller.get('/api/v1/jobs?role=provider')
  expect(hired.body.jobs.some((job: { id: string }) => job.id === jobId)).toBe(true)
  const signedIn = async (account: PrivateKeyAccount) => {
    const { body } = await world.call('GET', `/api/v1/auth/wallet?for=${encodeURIComponent(own)}`)
    const chain = body.supportedChains.find(({ type }: { type: string }) => type === 'eip191')
    const payload = await createSIWxPayload({ ...body.info, ...chain }, account, body.info.uri)
    return { 'sign-in-with-x': encodeSIWxHeader(payload) }
  }
  const stranger = await fundedWallet()
  const theirs = await world.call('POST', `${own}/cancel`, { headers: await signedIn(stranger) })
  expect([theirs.status, theirs.body.code]).toEqual([403, 'not_the_payer'])
  const read = await world.call('GET', own, { headers: await signedIn(buyer) })
  expect([read.status, read.body.url]).toEqual([200, answer.headers['location']])
  await deliver(jobId)
})

test('D-20 what is cancelled goes back to the wallet that paid, all of it, once', async () => {
  const id = await world.service(seller)
  const before = await held(buyer.address)
  const answer = await buy(id, await headerFor(id))
  const path = pathOf(answer)
  const cancels = await Promise.all([1, 2, 3].map(() => world.call('POST', `${path}/cancel`)))
  expect(cancels.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  const ended = await until(path, 'cancelled')
  expect(ended.body.actions).toEqual([])
  expect(await held(buyer.address)).toBe(before)
  expect(await slotsOf(id)).toEqual({ active: 0, queued: 0 })
  const { body } = await world.call('GET', `/api/v1/agents/${answer.body.clientAgentId}/receipts?side=buyer`)
  const types = body.receipts
    .filter(({ amountMicroUsd }: { amountMicroUsd: number }) => amountMicroUsd === Number(PRICE + FEE))
    .map(({ settlementType }: { settlementType: string }) => settlementType)
  expect(types).toEqual(expect.arrayContaining(['escrow_deposit', 'escrow_refund']))
})

test('D-20 a seller that never says yes: the buyer is told, and the money goes back over the chain', async () => {
  const id = await world.service(seller, { autoAccept: false })
  const before = await held(buyer.address)
  const header = await headerFor(id, buyer, named('job_that_is_never_taken'))
  const answer = await buy(id, header)
  expect(answer.body.status).toBe('pending')
  await world.pass(301)
  await until(pathOf(answer), 'expired')
  expect(await held(buyer.address)).toBe(before)
  const again = await buy(id, header)
  expect([again.status, again.body.code]).toEqual([502, 'job_not_done'])
})

test('D-16 D-20 one payment sent fifty times at once is one job, and later still the same one', async () => {
  const id = await world.service(seller, { maxConcurrentJobs: 50 })
  const [before, headers] = [await held(buyer.address), await headerFor(id)]
  const answers = await Promise.all(Array.from({ length: 50 }, () => buy(id, headers)))
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
  expect([answers[0]?.status, before - (await held(buyer.address))]).toEqual([202, PRICE + FEE])
  expect(await slotsOf(id)).toEqual({ active: 1, queued: 0 })
  await deliver(answers[0]?.body.id)
  const later = await buy(id, headers)
  expect([later.status, later.body]).toEqual([200, OUTPUT])
  const other = await buy(id, headers, { text: 'other words' })
  expect([other.status, other.body.code]).toEqual([409, 'payment_spent_elsewhere'])
})

test('D-16 after 120 s the bare payment opens the job no more; the payment id and the wallet’s signature do', async () => {
  const id = await world.service(seller)
  const [plain, withId] = [await headerFor(id), await headerFor(id, buyer, named('job_0123456789abcdef'))]
  for (const header of [plain, withId]) await deliver((await buy(id, header)).body.id)
  await world.souk.store.transact((tx) =>
    tx.run(sql`update purchase set ended_at = ended_at - interval '10 minutes' where ware_id = ${id}`),
  )
  const bare = await buy(id, plain)
  expect([bare.status, bare.body.status, bare.headers['location']]).toEqual([200, 'settled', undefined])
  expect((await buy(id, withId)).body).toEqual(OUTPUT)
  const signedIn = await wrapFetchWithSIWx(fetch, buyer)(urlOf(id), post())
  expect([signedIn.status, await signedIn.json()]).toEqual([200, OUTPUT])
})

test('D-20 one slot and two wallets at once: one buys, the other is not charged', async () => {
  const id = await world.service(seller, { maxConcurrentJobs: 1, queueEnabled: false })
  const wallets = await Promise.all([fundedWallet(1_000_000n), fundedWallet(1_000_000n)])
  const headers = await Promise.all(wallets.map((wallet) => headerFor(id, wallet)))
  const answers = await Promise.all(headers.map((header) => buy(id, header)))
  expect(answers.map(({ status }) => status).sort()).toEqual([202, 409])
  const left = await Promise.all(wallets.map(({ address }) => held(address)))
  expect(answers.map(({ status }, index) => [status, left[index]])).toEqual(
    expect.arrayContaining([
      [202, 1_000_000n - PRICE - FEE],
      [409, 1_000_000n],
    ]),
  )
  expect(await slotsOf(id)).toEqual({ active: 1, queued: 0 })
  // With the slot free again, the same payment buys.
  const [winner, loser] = answers[0]?.status === 202 ? [0, 1] : [1, 0]
  await deliver(answers[winner]?.body.id)
  expect((await buy(id, headers[loser] ?? {})).status).toBe(202)
})

test('D-20 a payment that fails gives its slot back', async () => {
  const id = await world.service(seller, { maxConcurrentJobs: 1, queueEnabled: false })
  const first = await buy(id, await headerFor(id))
  await deliver(first.body.id)
  const secretKey = `0x${randomBytes(32).toString('hex')}` as const
  const poor = privateKeyToAccount(secretKey)
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address: poor.address, amount: PRICE + FEE })
  const header = await headerFor(id, poor)
  let answering: Promise<Answer> | undefined
  // Between the check of its payment and the reservation of its slot the wallet gives its money away.
  await world.souk.store.transact(async (tx) => {
    await tx.rows(sql`select 1 from direct_slot where service_id = ${id} for update`)
    answering = buy(id, header)
    await world.until(async () => {
      const waiting = await world.souk.store.read.rows(sql`
        select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%direct_slot%'
          and datname = current_database()`)
      return waiting.length > 0 ? true : undefined
    })
    const give = { token: TOKEN.address, secretKey, to: buyer.address, amount: PRICE + FEE }
    await sendToken({ rpcUrl: world.evm?.rpcUrl ?? '', ...give })
  })
  const answer = await answering
  expect([answer?.status, answer?.body.error]).toEqual([402, expect.stringContaining('settlement failed')])
  expect(await slotsOf(id)).toEqual({ active: 0, queued: 0 })
  expect((await buy(id, await headerFor(id))).status).toBe(202)
})

test('D-20 a service is paid for on Solana too, and what is cancelled goes back there', async () => {
  const id = await world.service(seller)
  const { address, secretKey } = await world.chain.wallet(1_000_000n)
  const { required } = await demandOf(id)
  const accepted = required.accepts.find(({ network }: { network: string }) => network === SVM_NETWORK)
  const { payTo, amount, extra } = accepted
  const wish = { from: await walletSigner(secretKey), payTo, value: BigInt(amount), feePayer: extra.feePayer }
  const transaction = await signTransaction(world.chain.rpcUrl, wish)
  const payload = { x402Version: 2, accepted, payload: { transaction } }
  const header = { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64'), ...AT_ONCE }
  const answer = await buy(id, header)
  expect([answer.status, await world.chain.balance(address)]).toEqual([202, 1_000_000n - PRICE - FEE])
  expect((await world.call('POST', `${pathOf(answer)}/cancel`)).status).toBe(200)
  await until(pathOf(answer), 'cancelled')
  expect(await world.chain.balance(address)).toBe(1_000_000n)
})

test('D-20 what a hirer is refused for, a wallet is refused for before it pays', async () => {
  const before = await held(buyer.address)
  const id = await world.service(seller)
  const wordless = await buy(id, await headerFor(id), {})
  expect([wordless.status, wordless.body.code]).toEqual([400, 'input_invalid'])
  const choosy = await world.service(seller, { minClientTrustScore: 0.9 })
  const unknown = await buy(choosy, await headerFor(choosy))
  expect([unknown.status, unknown.body.code]).toEqual([403, 'trust_too_low'])
  const own = await world.call('POST', `/x402/${id}`, { key: seller.key, headers: await headerFor(id), body: TEXT })
  expect([own.status, own.body.code]).toEqual([400, 'own_offer'])
  const header = await headerFor(id)
  expect((await seller.patch(`/api/v1/services/${id}`, { pricePerJob: 600_000 })).status).toBe(200)
  const dearer = await buy(id, header)
  expect([dearer.status, dearer.body.error]).toEqual([402, expect.stringContaining('amount is not what was asked for')])
  await seller.delete(`/api/v1/services/${id}`)
  expect((await buy(id, header)).status).toBe(404)
  expect(await held(buyer.address)).toBe(before)
  expect(await slotsOf(id)).toBeUndefined()
})
