import { randomBytes } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWallet, type EvmChain, faucet, startEvmChain, tokenBalance } from '@souk/devchain/evm'
import { pino } from 'pino'
import { type Hex, toHex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EvmPayment, signPayment, TOKEN } from '#tests/evm-payments'
import { readAuthorization } from './authorization.ts'
import type { SettlementChain } from './chain.ts'
import { createEvmChain } from './evm-chain.ts'
import { createOutsideFacilitator } from './outside-facilitator.ts'
import type { Facilitator } from './payment.ts'

/*
 * Facilitators that lie, fail and dawdle. Counted is what the chain did, never what anybody answered: whatever they do, one
 * payment moves its money at most once, "settled" is said only of money that moved and "failed" only of money that cannot.
 */
const log = pino({ level: 'silent' })
const TIMEOUT_MS = 2000

let node: EvmChain
let chain: SettlementChain
let buyer: PrivateKeyAccount
let seller: Hex
let server: Server
let facilitator: Facilitator
let behave: (body: string, response: ServerResponse) => Promise<void>
let nonce = 0n

beforeAll(async () => {
  node = await startEvmChain({ dataDir: null, faults: true })
  chain = createEvmChain({ rpcUrl: node.rpcUrl, token: TOKEN, relayerKey: toHex(randomBytes(32)) })
  await faucet({ rpcUrl: node.rpcUrl, address: chain.relayer, amount: 0n })
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: node.rpcUrl, address, amount: 1_000_000n })
  buyer = privateKeyToAccount(secretKey as Hex)
  seller = (await createWallet()).address as Hex
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => void behave(body, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  facilitator = createOutsideFacilitator({ url, chain, log, timeoutMs: TIMEOUT_MS })
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await node.close()
})

const held = () => tokenBalance({ rpcUrl: node.rpcUrl, token: TOKEN.address, owner: seller })
const say = (response: ServerResponse, status: number, body: object | string) =>
  void response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(typeof body === 'string' ? body : JSON.stringify(body))

/** Sends what it was given to the chain, as an honest one would. */
async function send(body: string): Promise<Hex> {
  const authorization = readAuthorization(JSON.parse(body).paymentPayload.payload)
  if (!authorization) throw new Error('the facilitator was given no authorization')
  const { bytes, hash } = await chain.sign(authorization, { nonce, fees: await chain.fees() })
  await chain.broadcast(bytes)
  nonce++
  return hash
}

const pay = (): Promise<EvmPayment> => signPayment({ from: buyer, to: seller, value: 10n })

const FAILED = { success: false, errorReason: 'insufficient_funds', transaction: '' }

/** What each says after it has settled; null: nothing at all. */
test.each<[string, (transaction: Hex) => readonly [status: number, body: object | string] | null]>([
  ['settles and says so', (transaction) => [200, { success: true, transaction }]],
  ['settles and then answers 500', () => [500, { error: 'oops' }]],
  ['settles and says pending', (transaction) => [200, { ...FAILED, errorReason: 'settlement_pending', transaction }]],
  ['settles and says it failed', () => [402, FAILED]],
  ['settles and answers garbage', () => [200, '<html>']],
  ['settles and never answers', () => null],
])('one that %s: the money moved once, and that is what is said', async (_, answer) => {
  behave = async (body, response) => {
    const said = answer(await send(body))
    if (said) say(response, ...said)
  }
  const [before, payment] = [await held(), await pay()]
  const first = await facilitator.settle(payment)
  expect(first).toEqual({ state: 'settled', txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
  expect((await held()) - before).toBe(10n)
  // Asked again it need not even be there.
  behave = async (_body, response) => say(response, 500, {})
  expect(await facilitator.settle(payment)).toEqual(first)
  expect((await held()) - before).toBe(10n)
})

test.each<[string, (body: string, response: ServerResponse) => Promise<void>]>([
  [
    'claims a settlement that never was',
    async (_body, response) => say(response, 200, { success: true, transaction: `0x${'ab'.repeat(32)}` }),
  ],
  [
    'says it failed',
    async (_body, response) => say(response, 402, { success: false, errorReason: 'insufficient_funds' }),
  ],
  ['breaks', async (_body, response) => say(response, 500, 'oops')],
  ['never answers', async () => {}],
])('one that does nothing and %s: nothing is known, until it can no longer be done', async (_, how) => {
  behave = how
  const [before, payment] = [await held(), await pay()]
  expect(await facilitator.settle(payment)).toMatchObject({ state: 'pending' })
  expect(await held()).toBe(before)
  const later: SettlementChain = { ...chain, time: async () => payment.authorization.validBefore + 60n }
  const { port } = server.address() as AddressInfo
  const afterwards = createOutsideFacilitator({
    url: `http://127.0.0.1:${port}`,
    chain: later,
    log,
    timeoutMs: TIMEOUT_MS,
  })
  expect(await afterwards.settle(payment)).toMatchObject({ state: 'failed' })
  // And if it comes round before the end, it settles what it had been given, and nothing else.
  behave = async (body, response) => say(response, 200, { success: true, transaction: await send(body) })
  expect(await facilitator.settle(payment)).toMatchObject({ state: 'settled' })
  expect((await held()) - before).toBe(10n)
})

test('one that settles twice moves the money once, as the token takes an authorization once', async () => {
  behave = async (body, response) => {
    await send(body)
    await send(body).catch(() => {})
    say(response, 200, { success: true, transaction: `0x${'00'.repeat(32)}` })
  }
  const [before, payment] = [await held(), await pay()]
  const result = await facilitator.settle(payment)
  expect(result).toMatchObject({ state: 'settled' })
  expect(result).not.toMatchObject({ txHash: `0x${'00'.repeat(32)}` })
  expect((await held()) - before).toBe(10n)
})

test('D-28 who does not wait hears at once, and one that dawdles is asked once by all who come meanwhile', async () => {
  let asked = 0
  let answer = () => {}
  behave = async (body, response) => {
    asked++
    await new Promise<void>((resolve) => {
      answer = resolve
    })
    say(response, 200, { success: true, transaction: await send(body) })
  }
  const [before, payment] = [await held(), await pay()]
  const pending = { state: 'pending', txHash: null }
  expect(await facilitator.settle(payment, { waits: false })).toEqual(pending)
  const waiting = facilitator.settle(payment)
  expect(await facilitator.settle(payment, { waits: false })).toEqual(pending)
  while (asked === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  answer()
  expect(await waiting).toMatchObject({ state: 'settled' })
  expect([asked, (await held()) - before]).toEqual([1, 10n])
})
