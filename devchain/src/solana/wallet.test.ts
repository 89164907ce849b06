import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SolanaChain } from './chain.ts'
import { type Client, MINT, startWorld } from './test-world.ts'
import { createWallet, faucet, openTokenAccount, sendToken, tokenBalance } from './wallet.ts'
import {
  ChainUnreachableError,
  InsufficientGasError,
  InsufficientTokensError,
  InvalidAddressError,
  InvalidAmountError,
  InvalidSecretKeyError,
} from './wallet-errors.ts'

let chain: SolanaChain
let client: Client
let rpcUrl: string
beforeAll(async () => {
  ;({ chain, client } = await startWorld())
  rpcUrl = chain.rpcUrl
})
afterAll(() => chain.close())

const balance = (owner: string) => tokenBalance({ rpcUrl, owner, mint: MINT })

async function fundedWallet(amount: bigint) {
  const wallet = await createWallet()
  await faucet({ rpcUrl, address: wallet.address, amount })
  return wallet
}

test('the faucet mints test tokens and tops gas up to where it is enough, not further', async () => {
  const { address } = await fundedWallet(7n)
  await faucet({ rpcUrl, address, amount: 3n })
  expect(await balance(address)).toBe(10n)
  expect(await client.raw('getBalance', address, { commitment: 'processed' })).toMatchObject({ value: 1_000_000_000 })
})

test('an airdrop is an ordinary transaction in the history', async () => {
  const { address } = await createWallet()
  const signature = await client.raw<string>('requestAirdrop', address, 5_000_000_000)
  expect((await client.raw<{ value: unknown[] }>('getSignatureStatuses', [signature])).value[0]).not.toBeNull()
  expect(await client.raw('getBalance', address, { commitment: 'processed' })).toMatchObject({ value: 5_000_000_000 })
})

test('equal gifts and equal payments made at the same moment all arrive', async () => {
  const [ann, bob] = [await createWallet(), await createWallet()]
  await Promise.all([1, 2, 3].map(() => faucet({ rpcUrl, address: ann.address, amount: 100n })))
  const send = { rpcUrl, secretKey: ann.secretKey, to: bob.address, amount: 10n, mint: MINT }
  await Promise.all([1, 2, 3].map(() => sendToken(send)))
  expect([await balance(ann.address), await balance(bob.address)]).toEqual([270n, 30n])
})

test('a token account named directly is paid directly', async () => {
  const [ann, bob] = [await fundedWallet(50n), await fundedWallet(0n)]
  const opened = await openTokenAccount({ rpcUrl, secretKey: bob.secretKey, mint: MINT })
  await sendToken({ rpcUrl, secretKey: ann.secretKey, to: opened.address, amount: 20n, mint: MINT })
  expect(await balance(bob.address)).toBe(20n)
  expect(await openTokenAccount({ rpcUrl, secretKey: bob.secretKey, mint: MINT })).toEqual({
    address: opened.address,
    txHash: null,
  })
})

test('wrong input is told apart, in words for the person who gave it', async () => {
  const ann = await fundedWallet(50n)
  const send = { rpcUrl, secretKey: ann.secretKey, to: ann.address, amount: 1n, mint: MINT }
  await expect(sendToken({ ...send, amount: 51n })).rejects.toThrow(InsufficientTokensError)
  await expect(sendToken({ ...send, amount: 0n })).rejects.toThrow(InvalidAmountError)
  await expect(sendToken({ ...send, to: '0xabc' })).rejects.toThrow(InvalidAddressError)
  await expect(sendToken({ ...send, secretKey: ann.address })).rejects.toThrow(InvalidSecretKeyError)
  await expect(sendToken({ ...send, secretKey: 'O0l' })).rejects.toThrow(InvalidSecretKeyError)
  await expect(sendToken({ ...send, rpcUrl: 'http://127.0.0.1:9' })).rejects.toThrow(ChainUnreachableError)
  const broke = await createWallet()
  await faucet({ rpcUrl, address: broke.address, amount: 5n, lamports: 0n })
  await expect(sendToken({ ...send, secretKey: broke.secretKey })).rejects.toThrow(InsufficientGasError)
})

test('a wallet whose transaction was dropped, or whose answer was lost, pays exactly once', async () => {
  const [ann, bob] = [await fundedWallet(100n), await fundedWallet(1n)]
  const send = { rpcUrl, secretKey: ann.secretKey, to: bob.address, amount: 10n, mint: MINT }
  for (const mode of ['drop', 'accept-then-error', 'error']) {
    await client.raw('souk_dropNextTransactions', { count: 1, mode })
    await sendToken(send)
  }
  expect(await balance(bob.address)).toBe(31n)
})

test('a dropped transaction is answered with its signature and is never seen again', async () => {
  const [ann, bob] = [await client.newHolder(100n), await client.newHolder(0n)]
  await client.raw('souk_dropNextTransactions', { count: 1, mode: 'drop' })
  const signature = await client.pay(ann, bob, 10n)
  expect((await client.rpc.getSignatureStatuses([signature]).send()).value).toEqual([null])
  expect(await client.balance(bob.ata)).toBe(0n)
})

test('an answer lost after landing is a 503, and the transaction stands', async () => {
  const [ann, bob] = [await client.newHolder(100n), await client.newHolder(0n)]
  await client.raw('souk_dropNextTransactions', { count: 1, mode: 'accept-then-error' })
  await expect(client.pay(ann, bob, 10n)).rejects.toThrow('503')
  expect(await client.balance(bob.ata)).toBe(10n)
})
