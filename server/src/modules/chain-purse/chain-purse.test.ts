import { walletAccount } from '@souk/devchain/evm'
import { createPublicClient, encodeFunctionData, http, parseAbi } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { auditBooks } from '#audit'
import { createAgent, setPayoutWallet } from '#identity'
import { newId } from '#kernel/id'
import { createEngine, type Engine, type Move, ordersById, type Terms } from '#orders'
import { createReceiptIssuer, receiptKeyFrom, receiptsOfParty } from '#receipts'
import { DIRECT_TERMS } from '#tests/bargains'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { type EvmTestChain, startEvmTestChain } from '#tests/evm-chain'
import { freshMasterSecret } from '#tests/solana-chain'
import {
  createEvmRail,
  createWallet,
  listFindings,
  payoutsOfOrder,
  type Rail,
  registerHotWallet,
  SANDBOX_WALLET_SETTINGS,
  type Wallet,
} from '#wallet'
import { type ChainDeposit, createOrderPayouts, createPayOut, openPurse, purseAccount, sendBack } from './index.ts'

const NETWORK = 'eip155:84532'
const SETTINGS = {
  ...SANDBOX_WALLET_SETTINGS,
  pollMs: 20,
  depositCheckMs: 20,
  idleDepositCheckMs: 50,
  retryMs: 20,
  resendMs: 20,
}
const TERMS: Terms = {
  ...DIRECT_TERMS,
  match: 'chosen',
  fee: { bps: 0, paidBy: 'buyer' },
  cancel: 'with-consent',
  deliverWithinSeconds: 1_000,
}
const key = receiptKeyFrom(Buffer.alloc(32, 7))
const issueReceipts = createReceiptIssuer({ key, issuer: 'http://localhost' })
const engine: Engine = createEngine({ forms: [], issueReceipts, payOut: createPayOut() })

let db: TestDatabase
let chain: EvmTestChain
let rail: Rail
let wallet: Wallet
let payer: Awaited<ReturnType<EvmTestChain['wallet']>>
let buyer: string
let seller: { id: string; wallet: string }

beforeAll(async () => {
  ;[db, chain] = await Promise.all([openTestDatabase(), startEvmTestChain()])
  const { rpcUrl, token } = chain
  const domain = { name: 'USDC', version: '2' }
  rail = createEvmRail({
    rpcUrl,
    token,
    chainId: 84_532,
    domain,
    finality: 'finalized',
    masterSecret: freshMasterSecret(),
  })
  await chain.gas(rail.feePayer)
  await db.store.transact((tx) => registerHotWallet(tx, rail))
  const orders = createOrderPayouts({ engine, issueReceipts })
  wallet = createWallet({
    store: db.store,
    rail,
    settings: SETTINGS,
    log: { warn: () => {}, error: () => {} },
    orders,
  })
  payer = await chain.wallet(1_000_000_000n)
})
afterAll(async () => {
  await Promise.all([db.close(), chain.close()])
})
beforeEach(async () => {
  buyer = await party()
  const { address } = await chain.wallet(0n)
  seller = { id: await party(), wallet: address.toLowerCase() }
  await db.store.transact((tx) => setPayoutWallet(tx, { partyId: seller.id, address: seller.wallet }))
})

async function party(): Promise<string> {
  const about = { description: '', capabilities: [], callbackUrl: null, email: null, passwordHash: null }
  const agent = {
    ...about,
    name: newId(),
    isUnique: false,
    emergencyAddress: null,
    isActivated: true,
    keyLook: 'jp',
  } as const
  return (await db.store.transact((tx) => createAgent(tx, { ...agent, sealingKey: new Uint8Array(32) }))).partyId
}

/** What an x402 payment is to the market: money of a stranger's on the hot wallet. */
async function paid(amount: bigint): Promise<ChainDeposit> {
  const txHash = await chain.send(payer, rail.hotWallet.address, amount)
  return { network: NETWORK, rail, txHash, wallet: payer.address, amount }
}

/** An order of a seller who agreed to less than what was paid, as far as its delivery. */
async function delivered({ amount = 900_000n, price = 700_000n } = {}): Promise<string> {
  const id = await placed(amount)
  await move(id, { do: 'match', by: buyer, sellerId: seller.id, price })
  await move(id, { do: 'deliver', by: seller.id })
  return id
}

async function placed(amount: bigint): Promise<string> {
  const deposit = await paid(amount)
  const id = newId()
  const facts = {
    form: 'test',
    buyerId: buyer,
    sellerId: null,
    listingId: null,
    asset: 'USDC',
    callbackUrl: null,
  } as const
  await db.store.transact(async (tx) => {
    const bargain = { ...facts, id, price: amount, terms: TERMS, purse: purseAccount('base') }
    const [outcome] = await engine.placeEach(tx, [{ bargain, input: null }])
    if (!outcome || !('done' in outcome)) throw outcome?.refused
    await openPurse(tx, { order: outcome.done, deposit, issueReceipts, engine })
  })
  return id
}

const move = (orderId: string, move: Move) => db.store.transact((tx) => engine.move(tx, { orderId, move }))
const stateOf = async (id: string) => (await ordersById(db.store.read, [id])).get(id)?.state
const payoutsOf = async (id: string) =>
  (await payoutsOfOrder(db.store.read, id)).map(({ kind, net, state, txHash }) => ({ kind, net, state, txHash }))
const receiptsOf = async (id: string) =>
  (await receiptsOfParty(db.store.read, { partyId: buyer, side: 'buyer', limit: 50 }))
    .filter(({ orderId }) => orderId === id)
    .map(({ type, price, txHash, network, buyerWallet }) => ({ type, price, txHash, network, buyerWallet }))
const findings = async () =>
  (await listFindings(db.store.read, { openOnly: true, page: { page: 1, limit: 50 } })).items.map(({ kind }) => kind)

async function step(isFinal = true): Promise<void> {
  if (isFinal) await chain.finalize()
  for (const sweep of wallet.sweeps) await sweep.run()
}

async function until(id: string, state: string): Promise<void> {
  for (let n = 0; n < 300 && (await stateOf(id)) !== state; n++) {
    await step(false)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(await stateOf(id)).toBe(state)
}

async function clean(): Promise<void> {
  const report = await auditBooks(db.store, { receiptKeys: [key.jwk], chain: async () => [await wallet.audit()] })
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([])
}

async function untilFinal(id: string): Promise<void> {
  for (let n = 0; n < 300; n++) {
    await step()
    if ((await payoutsOf(id)).every(({ state }) => state === 'confirmed' || state === 'failed')) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the payouts never became final')
}

test('PA-40 PA-45 PA-46 a deposit is released to the seller’s wallet and its surplus to the payer’s, each with a receipt', async () => {
  const id = await delivered()
  await clean()
  const before = await chain.balance(payer.address)
  await move(id, { do: 'approve', by: buyer })
  await clean()
  await until(id, 'completed')
  await clean()
  await untilFinal(id)
  await clean()
  expect(await chain.balance(seller.wallet)).toBe(700_000n)
  expect((await chain.balance(payer.address)) - before).toBe(200_000n)
  const [release, surplus] = await payoutsOf(id)
  expect([release, surplus]).toMatchObject([
    { kind: 'release', net: 700_000n },
    { kind: 'surplus', net: 200_000n },
  ])
  const said = { network: NETWORK, buyerWallet: payer.address }
  expect(await receiptsOf(id)).toEqual([
    { type: 'escrow_refund', price: 200_000n, txHash: surplus?.txHash, ...said },
    { type: 'escrow_release', price: 700_000n, txHash: release?.txHash, ...said },
    { type: 'escrow_deposit', price: 900_000n, txHash: expect.stringMatching(/^0x/), ...said },
  ])
  expect(await findings()).toEqual([])
})

test('PA-54 what is cancelled goes back to the payer’s wallet, all of it', async () => {
  const id = await placed(500_000n)
  const before = await chain.balance(payer.address)
  await move(id, { do: 'cancel', by: buyer })
  await until(id, 'cancelled')
  await untilFinal(id)
  expect((await chain.balance(payer.address)) - before).toBe(500_000n)
  expect((await receiptsOf(id)).map(({ type }) => type)).toEqual(['escrow_refund', 'escrow_deposit'])
  await clean()
})

test('PA-48 of many who approve and cancel at once one decides, and one payout is made', async () => {
  const id = await delivered({ price: 900_000n })
  const moves: Move[] = [
    { do: 'approve', by: buyer },
    { do: 'cancel', by: buyer, consented: true },
  ]
  const tried = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => move(id, moves[n % 2] as Move)))
  expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  await until(id, (await payoutsOf(id))[0]?.kind === 'release' ? 'completed' : 'cancelled')
  await untilFinal(id)
  expect(await payoutsOf(id)).toHaveLength(1)
  await clean()
})

test('PA-52 a seller’s wallet that cannot be paid leaves the order as it was, with a finding; later it is paid', async () => {
  const id = await delivered()
  await blacklist(seller.wallet, true)
  await move(id, { do: 'approve', by: buyer })
  await until(id, 'delivered')
  expect(await payoutsOf(id)).toMatchObject([{ kind: 'release', state: 'failed' }])
  expect(await findings()).toEqual(['payout_undeliverable'])
  await clean()
  await blacklist(seller.wallet, false)
  await move(id, { do: 'approve', by: buyer })
  await until(id, 'completed')
  await untilFinal(id)
  expect(await chain.balance(seller.wallet)).toBe(700_000n)
  await clean()
})

test('D-12 silence after delivery releases, and no delivery refunds; both by the clock alone', async () => {
  const silent = await delivered()
  const idle = await placed(300_000n)
  await move(idle, { do: 'match', by: buyer, sellerId: seller.id })
  await db.store.transact(async (tx) => {
    const later = { ...tx, now: new Date(tx.now.getTime() + 2_000_000) }
    for (const orderId of [silent, idle]) await engine.move(later, { orderId, move: { do: 'lapse' } })
  })
  await until(silent, 'completed')
  await until(idle, 'expired')
  await untilFinal(idle)
  await untilFinal(silent)
  await clean()
})

test('money of which no order came goes back whole, once, and is in the books all the while', async () => {
  const [deposit, id] = [await paid(400_000n), newId()]
  const before = await chain.balance(payer.address)
  await db.store.transact((tx) => sendBack(tx, { id, buyerId: buyer, deposit }))
  await clean()
  await expect(db.store.transact((tx) => sendBack(tx, { id, buyerId: buyer, deposit }))).rejects.toThrow()
  await untilFinal(id)
  expect((await chain.balance(payer.address)) - before).toBe(400_000n)
  await clean()
})

test('D-17 what comes to the hot wallet for an order is no finding; what comes for nothing is one', async () => {
  await placed(100_000n)
  await chain.send(payer, rail.hotWallet.address, 50_000n)
  for (let n = 0; n < 300 && !(await findings()).includes('unattributed_deposit'); n++) {
    await step()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect((await findings()).filter((kind) => kind === 'unattributed_deposit')).toHaveLength(1)
  await clean()
})

async function blacklist(address: string, isOut: boolean): Promise<void> {
  const abi = parseAbi(['function setBlacklisted(address account, bool isOut)'])
  const { createWalletClient } = await import('viem')
  const { baseSepolia } = await import('viem/chains')
  const transport = http(chain.rpcUrl)
  const client = createWalletClient({ chain: baseSepolia, transport, account: walletAccount(payer.secretKey) })
  const data = encodeFunctionData({ abi, functionName: 'setBlacklisted', args: [address as `0x${string}`, isOut] })
  const hash = await client.sendTransaction({ to: chain.token as `0x${string}`, data })
  await createPublicClient({ chain: baseSepolia, transport, pollingInterval: 10 }).waitForTransactionReceipt({ hash })
}
