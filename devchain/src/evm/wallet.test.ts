import { encodeFunctionData, type Hex, keccak256 } from 'viem'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { EvmChain } from './chain.ts'
import { type Client, startWorld, TOKEN } from './test-world.ts'
import { TOKEN_ABI } from './token/abi.ts'
import { createWallet, faucet, sendToken, tokenBalance } from './wallet.ts'
import {
  ChainUnreachableError,
  InsufficientGasError,
  InsufficientTokensError,
  InvalidAddressError,
  InvalidAmountError,
  InvalidSecretKeyError,
} from './wallet-errors.ts'

let chain: EvmChain
let client: Client
let rpcUrl: string
beforeAll(async () => {
  ;({ chain, client } = await startWorld())
  rpcUrl = chain.rpcUrl
})
afterAll(() => chain.close())

const ETHER = 10n ** 18n
const balance = (owner: string) => tokenBalance({ rpcUrl, owner, token: TOKEN })

async function fundedWallet(amount: bigint) {
  const wallet = await createWallet()
  await faucet({ rpcUrl, address: wallet.address, amount })
  return wallet
}

test('the faucet mints test tokens and tops gas up to where it is enough, not further', async () => {
  const { address } = await fundedWallet(7n)
  await faucet({ rpcUrl, address, amount: 3n })
  expect(await balance(address)).toBe(10n)
  expect(await client.node.getBalance({ address: address as Hex })).toBe(ETHER)
})

test('equal gifts and equal payments made at the same moment all arrive', async () => {
  const [ann, bob] = [await createWallet(), await createWallet()]
  await Promise.all([1, 2, 3].map(() => faucet({ rpcUrl, address: ann.address, amount: 100n })))
  const send = { rpcUrl, secretKey: ann.secretKey, to: bob.address, amount: 10n, token: TOKEN }
  const sent = await Promise.all([1, 2, 3].map(() => sendToken(send)))
  expect(new Set(sent.map(({ txHash }) => txHash)).size).toBe(3)
  expect([await balance(ann.address), await balance(bob.address)]).toEqual([270n, 30n])
})

test('wrong input is told apart, in words for the person who gave it', async () => {
  const ann = await fundedWallet(50n)
  const send = { rpcUrl, secretKey: ann.secretKey, to: ann.address, amount: 1n, token: TOKEN }
  await expect(sendToken({ ...send, amount: 51n })).rejects.toThrow(InsufficientTokensError)
  await expect(sendToken({ ...send, amount: 0n })).rejects.toThrow(InvalidAmountError)
  await expect(sendToken({ ...send, to: '0xabc' })).rejects.toThrow(InvalidAddressError)
  await expect(sendToken({ ...send, secretKey: ann.address })).rejects.toThrow(InvalidSecretKeyError)
  await expect(sendToken({ ...send, rpcUrl: 'http://127.0.0.1:9' })).rejects.toThrow(ChainUnreachableError)
  const broke = await createWallet()
  await faucet({ rpcUrl, address: broke.address, amount: 5n, wei: 0n })
  await expect(sendToken({ ...send, secretKey: broke.secretKey })).rejects.toThrow(InsufficientGasError)
})

test('D-15 a wallet whose transaction was dropped, or whose answer was lost, pays exactly once', async () => {
  const [ann, bob] = [await fundedWallet(100n), await fundedWallet(1n)]
  const send = { rpcUrl, secretKey: ann.secretKey, to: bob.address, amount: 10n, token: TOKEN }
  for (const mode of ['drop', 'accept-then-error', 'error']) {
    await client.raw('souk_dropNextTransactions', { count: 1, mode })
    await sendToken(send)
  }
  expect(await balance(bob.address)).toBe(31n)
})

describe('blocks', () => {
  // Slow to be final: what is looked at first is over before that, however busy this machine is.
  let chain: EvmChain
  let client: Client
  beforeAll(async () => {
    const world = await startWorld({ finalAfterMs: 3000 })
    chain = world.chain
    client = world.client
  })
  afterAll(() => chain.close())

  const transfer = async (amount: bigint) => {
    const [ann, bob] = [await client.holder(100n), await client.holder(0n)]
    const data = encodeFunctionData({ abi: TOKEN_ABI, functionName: 'transfer', args: [bob.address, amount] })
    const raw = await client.sign(ann, { to: TOKEN, data })
    return { raw, hash: keccak256(raw), bob }
  }
  const receipt = (hash: Hex) => client.node.getTransactionReceipt({ hash }).catch(() => null)

  test('a transaction is in a block at once and final a moment later, and then the chain is quiet', async () => {
    const { raw, hash } = await transfer(1n)
    await client.raw('eth_sendRawTransaction', raw)
    const { blockNumber } = await client.node.getTransactionReceipt({ hash })
    const finalized = async () => (await client.node.getBlock({ blockTag: 'finalized' })).number
    expect(await finalized()).toBeLessThan(blockNumber)
    await vi.waitFor(async () => expect(await finalized()).toBeGreaterThanOrEqual(blockNumber), 20_000)
    const head = await client.node.getBlockNumber()
    expect(head).toBe(blockNumber + 8n)
  })

  test('code that is run on a quiet chain is told the time of day, not that of the last block', async () => {
    // timestamp, stored and returned
    const code = '0x4260005260206000f3'
    const clock = '0x00000000000000000000000000000000000c10c4'
    const answer = await client.raw<Hex>('eth_call', { to: clock, data: '0x' }, 'latest', { [clock]: { code } })
    expect(Math.abs(Number(answer) - Date.now() / 1000)).toBeLessThan(5)
  })

  test('while mining is off a transaction waits; a block takes it', async () => {
    const { raw, hash, bob } = await transfer(5n)
    await client.raw('souk_setMining', { on: false })
    await client.raw('eth_sendRawTransaction', raw)
    expect(await receipt(hash)).toBeNull()
    await client.raw('souk_setMining', { on: true })
    await client.raw('souk_mine', { blocks: 1 })
    expect(await client.balance(bob.address)).toBe(5n)
  })

  test('a reorganisation takes a transaction back, and it can land again', async () => {
    const { raw, hash, bob } = await transfer(5n)
    await client.raw('eth_sendRawTransaction', raw)
    const landed = await client.node.getTransactionReceipt({ hash })
    expect(landed.status).toBe('success')
    const depth = Number((await client.node.getBlockNumber({ cacheTime: 0 })) - landed.blockNumber) + 1
    await client.raw('souk_reorg', { depth })
    expect(await receipt(hash)).toBeNull()
    expect(await client.balance(bob.address)).toBe(0n)
    await client.raw('eth_sendRawTransaction', raw)
    expect(await client.balance(bob.address)).toBe(5n)
  })

  test('whatever would go past the journal is not there', async () => {
    for (const method of ['anvil_setBalance', 'evm_mine', 'hardhat_setCode', 'eth_sendTransaction', 'debug_traceCall'])
      await expect(client.raw(method)).rejects.toThrow('Method not found')
    expect(await client.raw('web3_clientVersion')).toMatch(/^souk-devchain\/anvil/)
    expect(await client.raw('souk_chainInfo')).toMatchObject({ chainId: 84_532, token: TOKEN, finalizedAfterBlocks: 8 })
  })
})
