import {
  generateKeyPairSigner,
  getBase58Decoder,
  getBase64Encoder,
  isSolanaError,
  SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
  SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED,
  SOLANA_ERROR__TRANSACTION_ERROR__BLOCKHASH_NOT_FOUND,
} from '@solana/kit'
import { getTransferSolInstruction } from '@solana-program/system'
import { getCreateAssociatedTokenIdempotentInstruction } from '@solana-program/token'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RpcRefusal } from '../rpc/rpc-client.ts'
import type { SolanaChain } from './chain.ts'
import { type Client, MINT, startWorld, transfer } from './test-world.ts'
import { tokenAddress } from './wallet.ts'

let chain: SolanaChain
let client: Client
beforeAll(async () => {
  ;({ chain, client } = await startWorld())
})
afterAll(() => chain.close())

const refusalOf = (work: Promise<unknown>): Promise<RpcRefusal> =>
  work.then(
    () => expect.unreachable('it was not refused'),
    (cause: unknown) => cause as RpcRefusal,
  )

const preflightCause = async (work: Promise<unknown>): Promise<unknown> => {
  const cause: unknown = await refusalOf(work)
  expect(isSolanaError(cause, SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE)).toBe(true)
  return (cause as Error).cause
}

test('an unmodified kit client moves tokens from one wallet to another', async () => {
  const [ann, bob] = [await client.newHolder(5_000_000n), await client.newHolder(0n)]
  await client.pay(ann, bob, 1_250_000n)
  expect(await client.balance(ann.ata)).toBe(3_750_000n)
  expect(await client.balance(bob.ata)).toBe(1_250_000n)
})

test('a legacy transaction, sent as base58, lands like a versioned one', async () => {
  const [ann, bob] = [await client.newHolder(10n), await client.newHolder(0n)]
  const signed = await client.sign(ann.signer, [transfer(ann, bob, 10n)], { version: 'legacy' })
  const wire = getBase58Decoder().decode(getBase64Encoder().encode(signed.wire))
  expect(await client.raw('sendTransaction', wire)).toBe(signed.signature)
  await client.advance(1)
  const found = await client.raw<{ version?: unknown }>('getTransaction', signed.signature, { commitment: 'confirmed' })
  expect(found).toMatchObject({ meta: { err: null, fee: 5000 } })
  expect(found.version).toBeUndefined()
})

test('an overdraft is refused before it lands, with the token program’s own error', async () => {
  const [ann, bob] = [await client.newHolder(5n), await client.newHolder(0n)]
  const cause = await preflightCause(client.pay(ann, bob, 6n))
  expect(isSolanaError(cause, SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM) && cause.context).toMatchObject({
    code: 1,
    index: 0,
  })
  expect(await client.balance(ann.ata)).toBe(5n)
  expect(await client.rpc.getSignaturesForAddress(bob.ata, { commitment: 'confirmed' }).send()).toHaveLength(1)
})

test('an overdraft sent without preflight lands as failed: it costs the fee and moves nothing', async () => {
  const [ann, bob] = [await client.newHolder(5n), await client.newHolder(0n)]
  const signed = await client.sign(ann.signer, [transfer(ann, bob, 6n)])
  await client.send(signed, true)
  const { value } = await client.raw<{ value: unknown[] }>('getSignatureStatuses', [signed.signature])
  expect(value[0]).toMatchObject({ err: { InstructionError: [0, { Custom: 1 }] } })
  expect(await client.balance(ann.ata)).toBe(5n)
  expect((await client.rpc.getBalance(ann.address, { commitment: 'processed' }).send()).value).toBe(999_995_000n)
})

test('opening a token account shows its inner instructions, and a missing pre-balance means 0', async () => {
  const ann = await client.newHolder(100n)
  const owner = (await generateKeyPairSigner()).address
  const bob = { ...ann, address: owner, ata: (await tokenAddress(owner, MINT)) as typeof ann.ata }
  const open = getCreateAssociatedTokenIdempotentInstruction({ payer: ann.signer, ata: bob.ata, owner, mint: MINT })
  const signature = await client.send(await client.sign(ann.signer, [open, transfer(ann, bob, 40n)]))
  await client.advance(1)
  const options = { encoding: 'jsonParsed', maxSupportedTransactionVersion: 0, commitment: 'confirmed' } as const
  const found = await client.rpc.getTransaction(signature, options).send()
  expect(found?.transaction.message.instructions).toMatchObject([
    {
      program: 'spl-associated-token-account',
      parsed: { type: 'createIdempotent', info: { wallet: owner, account: bob.ata } },
    },
    {
      program: 'spl-token',
      parsed: {
        type: 'transferChecked',
        info: {
          source: ann.ata,
          destination: bob.ata,
          authority: ann.address,
          mint: MINT,
          tokenAmount: { amount: '40' },
        },
      },
    },
  ])
  const inner = found?.meta?.innerInstructions?.[0]?.instructions.map((one) => ('parsed' in one ? one.parsed : null))
  expect(inner).toMatchObject([
    { type: 'getAccountDataSize' },
    { type: 'createAccount', info: { newAccount: bob.ata } },
    { type: 'initializeImmutableOwner' },
    { type: 'initializeAccount3', info: { owner } },
  ])
  expect(found?.meta?.preTokenBalances?.map((one) => one.owner)).toEqual([ann.address])
  expect(found?.meta?.postTokenBalances?.map((one) => [one.owner, one.uiTokenAmount.amount]).sort()).toEqual(
    [
      [ann.address, '60'],
      [owner, '40'],
    ].sort(),
  )
})

test('several transfers in one transaction show one net delta per account', async () => {
  const [ann, bob] = [await client.newHolder(100n), await client.newHolder(0n)]
  const instructions = [transfer(ann, bob, 30n), transfer(ann, bob, 20n), transfer(bob, ann, 5n)]
  const signature = await client.send(await client.sign(ann.signer, instructions))
  await client.advance(1)
  const found = await client.rpc
    .getTransaction(signature, { encoding: 'json', maxSupportedTransactionVersion: 0, commitment: 'confirmed' })
    .send()
  const keys = found?.transaction.message.accountKeys ?? []
  const deltas = (found?.meta?.postTokenBalances ?? []).map((post) => {
    const pre = found?.meta?.preTokenBalances?.find((one) => one.accountIndex === post.accountIndex)
    return [keys[post.accountIndex], BigInt(post.uiTokenAmount.amount) - BigInt(pre?.uiTokenAmount.amount ?? 0)]
  })
  expect(new Map(deltas as [string, bigint][])).toEqual(
    new Map([
      [ann.ata, -45n],
      [bob.ata, 45n],
    ]),
  )
})

test('a transaction whose blockhash has expired is refused', async () => {
  const [ann, bob] = [await client.newHolder(5n), await client.newHolder(0n)]
  const signed = await client.sign(ann.signer, [transfer(ann, bob, 5n)])
  await client.advance(151)
  const cause = await preflightCause(client.send(signed))
  expect(isSolanaError(cause, SOLANA_ERROR__TRANSACTION_ERROR__BLOCKHASH_NOT_FOUND)).toBe(true)
  await expect(client.send(signed, true)).rejects.toThrow()
  expect(await client.balance(ann.ata)).toBe(5n)
})

test('a blockhash lives exactly until its last valid block height', async () => {
  const { value } = await client.raw<{ value: Latest }>('getLatestBlockhash')
  const valid = async () => (await client.raw<{ value: boolean }>('isBlockhashValid', value.blockhash)).value
  expect(await valid()).toBe(true)
  await client.advance(
    value.lastValidBlockHeight + 1 - (await client.raw<number>('getBlockHeight', { commitment: 'processed' })),
  )
  expect(await valid()).toBe(false)
})

test('a transaction with a blockhash this chain never made is refused', async () => {
  const ann = await client.newHolder(5n)
  const signed = await client.sign(ann.signer, [transfer(ann, ann, 1n)], { blockhash: MINT })
  const refusal = await refusalOf(client.raw('sendTransaction', signed.wire, { encoding: 'base64' }))
  expect(refusal).toMatchObject({ code: -32002, data: { err: 'BlockhashNotFound' } })
  expect(refusal.message).toBe('Transaction simulation failed: Blockhash not found')
})

test('a replay is refused, before and after its blockhash expired, and pays once', async () => {
  const [ann, bob] = [await client.newHolder(10n), await client.newHolder(0n)]
  const signed = await client.sign(ann.signer, [transfer(ann, bob, 2n)])
  await client.send(signed)
  const cause = await preflightCause(client.send(signed))
  expect(isSolanaError(cause, SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED)).toBe(true)
  await client.advance(200)
  await preflightCause(client.send(signed))
  expect(await client.balance(bob.ata)).toBe(2n)
})

test('a forged signature is refused', async () => {
  const [ann, bob] = [await client.newHolder(10n), await client.newHolder(0n)]
  const { wire } = await client.sign(ann.signer, [transfer(ann, bob, 2n)])
  const bytes = Buffer.from(wire, 'base64')
  bytes[10] = (bytes[10] ?? 0) ^ 1
  for (const skipPreflight of [false, true]) {
    const options = { encoding: 'base64', skipPreflight }
    const refusal = await refusalOf(client.raw('sendTransaction', bytes.toString('base64'), options))
    expect(refusal.code).toBe(-32003)
  }
  expect(await client.balance(bob.ata)).toBe(0n)
})

test('a payer who cannot pay the fee leaves no trace in the history', async () => {
  const [poor, ann] = [await generateKeyPairSigner(), await client.newHolder(1n)]
  const signed = await client.sign(poor, [
    getTransferSolInstruction({ source: poor, destination: ann.address, amount: 1n }),
  ])
  await expect(client.send(signed, true)).rejects.toThrow()
  expect((await client.rpc.getSignatureStatuses([signed.signature]).send()).value).toEqual([null])
})

test('a simulation needs neither signatures nor a live blockhash, shows the outcome and changes nothing', async () => {
  const [ann, bob] = [await client.newHolder(10n), await client.newHolder(0n)]
  const { wire } = await client.sign(ann.signer, [transfer(ann, bob, 4n)], { blockhash: MINT })
  const bytes = Buffer.from(wire, 'base64').fill(0, 1, 65).toString('base64')
  const options = { encoding: 'base64', sigVerify: false, accounts: { addresses: [bob.ata], encoding: 'jsonParsed' } }
  const simulate = (extra: object) =>
    client.raw<{ value: object }>('simulateTransaction', bytes, { ...options, ...extra })
  expect((await simulate({})).value).toMatchObject({ err: 'BlockhashNotFound' })
  expect((await simulate({ replaceRecentBlockhash: true })).value).toMatchObject({
    err: null,
    accounts: [{ data: { parsed: { info: { tokenAmount: { amount: '4' } } } } }],
    replacementBlockhash: { lastValidBlockHeight: expect.any(Number) },
  })
  expect(await client.balance(bob.ata)).toBe(0n)
})

interface Latest {
  readonly blockhash: string
  readonly lastValidBlockHeight: number
}
