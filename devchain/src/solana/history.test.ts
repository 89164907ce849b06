import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SolanaChain } from './chain.ts'
import { type Client, startWorld } from './test-world.ts'

let chain: SolanaChain
let client: Client
beforeAll(async () => {
  // Slots that do not move by themselves: every step below is deliberate.
  ;({ chain, client } = await startWorld({ slotMs: 3_600_000 }))
})
afterAll(() => chain.close())

/** Opening an account through the wallet waits for confirmation, which here nobody but us brings about. */
async function twoHolders() {
  const [ann, bob] = await Promise.all([client.newHolder(1000n), client.newHolder(1n)])
  return [ann, bob] as const
}

test('a transaction is processed, then confirmed by the next slot, then finalized 32 slots later', async () => {
  const [ann, bob] = await twoHolders()
  const signature = await client.pay(ann, bob, 5n)
  const status = async () => (await client.rpc.getSignatureStatuses([signature]).send()).value[0]
  const options = { encoding: 'base64', maxSupportedTransactionVersion: 0 } as const
  const found = (commitment: 'confirmed' | 'finalized') =>
    client.rpc.getTransaction(signature, { ...options, commitment }).send()
  expect(await status()).toMatchObject({ confirmationStatus: 'processed', confirmations: 0n })
  expect(await found('confirmed')).toBeNull()
  await client.advance(1)
  expect(await status()).toMatchObject({ confirmationStatus: 'confirmed', confirmations: 1n })
  expect(await found('confirmed')).not.toBeNull()
  await client.advance(30)
  expect(await status()).toMatchObject({ confirmationStatus: 'confirmed' })
  expect(await found('finalized')).toBeNull()
  await client.advance(1)
  expect(await status()).toMatchObject({ confirmationStatus: 'finalized', confirmations: null })
  expect(await found('finalized')).not.toBeNull()
})

test('a balance read at finalized is the balance as it was at the finalized slot', async () => {
  const [ann, bob] = await twoHolders()
  await client.advance(40)
  await client.pay(ann, bob, 5n)
  await client.advance(2)
  await client.pay(ann, bob, 7n)
  expect(await client.balance(bob.ata, 'processed')).toBe(13n)
  expect(await client.balance(bob.ata, 'confirmed')).toBe(6n)
  expect(await client.balance(bob.ata, 'finalized')).toBe(1n)
  await client.advance(30)
  expect(await client.balance(bob.ata, 'finalized')).toBe(6n)
  await client.advance(2)
  expect(await client.balance(bob.ata, 'finalized')).toBe(13n)
})

test('history is paged newest first by before and until, and ends at the commitment asked for', async () => {
  const [ann, bob] = await twoHolders()
  const sent: string[] = []
  for (let i = 0; i < 7; i++) {
    sent.unshift(await client.pay(ann, bob, BigInt(i + 1)))
    await client.advance(1)
  }
  const page = async (options: object) =>
    (await client.raw<{ signature: string }[]>('getSignaturesForAddress', bob.ata, options)).map((one) => one.signature)
  const at = { commitment: 'confirmed' }
  expect(await page({ ...at, limit: 3 })).toEqual(sent.slice(0, 3))
  expect(await page({ ...at, limit: 3, before: sent[2] })).toEqual(sent.slice(3, 6))
  expect(await page({ ...at, until: sent[4] })).toEqual(sent.slice(0, 4))
  expect(await page({ ...at, before: sent[1], until: sent[4] })).toEqual(sent.slice(2, 4))
  const unknown = '1'.repeat(64)
  expect(await page({ ...at, before: unknown })).toEqual([])
  expect(await page({})).toEqual([])
  await client.advance(28)
  expect((await page({})).slice(0, 4)).toEqual(sent.slice(3))
  await expect(page({ limit: 1001 })).rejects.toThrow('Invalid limit')
  await expect(page({ commitment: 'processed' })).rejects.toThrow('below `confirmed`')
})

test('a block holds the transactions of its slot, and time is in seconds', async () => {
  const [ann, bob] = await twoHolders()
  const signature = await client.pay(ann, bob, 5n)
  const status = (await client.rpc.getSignatureStatuses([signature]).send()).value[0]
  const slot = status?.slot ?? 0n
  await client.advance(32)
  const block = await client.rpc
    .getBlock(slot, { maxSupportedTransactionVersion: 0, transactionDetails: 'full' })
    .send()
  expect(block?.transactions.map((one) => one.transaction.signatures[0])).toContain(signature)
  expect(Math.abs(Number(block?.blockTime) - Date.now() / 1000)).toBeLessThan(5)
  expect(await client.rpc.getBlockTime(slot).send()).toBe(block?.blockTime)
  expect(await client.rpc.getBlocks(slot - 1n, slot).send()).toEqual([slot - 1n, slot])
  await expect(client.rpc.getBlock(slot + 10_000n).send()).rejects.toThrow()
})

test('a reader that asks for a slot not yet reached is told so', async () => {
  const slot = await client.raw<number>('getSlot', { commitment: 'processed' })
  await expect(client.raw('getSlot', { minContextSlot: slot + 5 })).rejects.toMatchObject({ code: -32016 })
})
