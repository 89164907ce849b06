import { walletSigner } from '@souk/devchain/solana'
import { type BuyOptions, buy, memoryStore, usdc } from '@souk/sdk'
import { solanaWallet } from '@souk/sdk/solana'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MINT, SVM_NETWORK } from '#tests/svm-payments'
import { openWorld, type World } from '#tests/world'
import { type Cut, firstOfEachPayment, openCuttingProxy } from './cutting-proxy.ts'
import { openShop, type Shop } from './shop.ts'

const PRICE = 10_000n

let world: World
let shop: Shop
let payTo: string

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  payTo = (await world.chain.wallet(0n)).address
  shop = await openShop(world, { walletAddress: payTo })
})
afterAll(async () => {
  shop.close()
  await world.close()
})

async function buyer(amount = 1_000_000n) {
  const { secretKey, address } = await world.chain.wallet(amount)
  const wallet = solanaWallet(await walletSigner(secretKey), { rpcUrls: { [SVM_NETWORK]: world.chain.rpcUrl } })
  return { address, wallet }
}

const plain = (wallet: BuyOptions['wallet']): BuyOptions => ({
  ...{ wallet, store: memoryStore(), maxPrice: usdc('0.01'), input: { text: 'hello' } },
})

test('PA-3 PA-4 it buys on Solana, and an answer that is lost costs nothing more', async () => {
  const proxy = await openCuttingProxy(world.url, { answered: firstOfEachPayment() })
  try {
    const { wallet, address } = await buyer()
    const { payment, json } = await buy(`${proxy.url}/x402/${await shop.offer()}`, plain(wallet))
    expect([json(), proxy.lost()]).toEqual([{ loud: 'HELLO' }, 1])
    expect(payment).toMatchObject({ amount: PRICE, network: SVM_NETWORK, asset: MINT, payTo, payer: address })
    expect([await world.chain.balance(payTo), await world.chain.balance(address)]).toEqual([PRICE, 1_000_000n - PRICE])
    expect(new Set(proxy.seen.flatMap((each) => each.payment ?? [])).size).toBe(1)
  } finally {
    proxy.close()
  }
})

test('D-15 the chain’s word of a payment: used once it has landed, void once its blockhash is too old', async () => {
  const { wallet } = await buyer()
  const id = await shop.offer()
  const signed: { nonce: string; payer: string; validBefore: number }[] = []
  const noting = {
    ...wallet,
    sign: async (asked: Parameters<typeof wallet.sign>[0]) => {
      const one = await wallet.sign(asked)
      signed.push(one)
      return one
    },
  }
  const isLost: Cut = ({ payment }) => payment !== null
  const nowhere = await openCuttingProxy(world.url, { arrived: isLost })
  const options = { ...plain(noting), patienceMs: 1000 }
  await expect(buy(`${nowhere.url}/x402/${id}`, options)).rejects.toMatchObject({ fault: 'unfinished' })
  nowhere.close()
  await buy(`${world.url}/x402/${id}`, { ...options, patienceMs: 30_000 })
  const fates = () => Promise.all(signed.map((each) => wallet.fateOf?.({ ...each, network: SVM_NETWORK, asset: MINT })))
  expect(await fates()).toEqual([expect.stringMatching(/open|void/), 'used'])
  await world.chain.advance(200)
  expect(await fates()).toEqual(['void', 'used'])
})

test('it pays nothing but USDC, and nothing of which it would pay the fees itself', async () => {
  const { wallet, address } = await buyer(0n)
  const extra = { feePayer: payTo }
  const asked = { scheme: 'exact', network: SVM_NETWORK, amount: '1', asset: MINT, payTo, maxTimeoutSeconds: 60, extra }
  expect(wallet.pays(asked)).toBe(true)
  const others = [
    { asset: payTo },
    { scheme: 'upto' },
    { network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' },
    { payTo: '0x1' },
    { extra: {} },
    { extra: { feePayer: address } },
    { extra: { ...extra, memo: 'x'.repeat(257) } },
  ]
  expect(others.filter((other) => wallet.pays({ ...asked, ...other }))).toEqual([])
})
