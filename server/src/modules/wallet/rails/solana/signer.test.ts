import {
  address,
  type Blockhash,
  getBase58Decoder,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
} from '@solana/kit'
import { HDKey } from 'micro-key-producer/slip10.js'
import { describe, expect, test } from 'vitest'
import { MEMO_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import { createSolanaSigner, IntentRefused } from './signer.ts'

const masterSecret = new Uint8Array(32).fill(5)
const mint = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU'
const options = { masterSecret, mint, decimals: 6, maxPayment: 1_000_000n, priorityFeeMicroLamports: 0n }
const lifetime = { blockhash: mint as unknown as Blockhash, lastValidBlockHeight: 9n }
const signer = await createSolanaSigner(options)
const stranger = (await createSolanaSigner({ ...options, masterSecret: new Uint8Array(32).fill(6) })).hotWallet.address
const pay = { kind: 'pay', to: stranger, amount: 7n, reference: 'souk:1:1' } as const

test('deposit addresses are m/44’/501’/i’/0’ of the master secret, and never the hot wallet', async () => {
  const derived = HDKey.fromMasterSeed(masterSecret).derive("m/44'/501'/12'/0'")
  expect((await signer.addressAt(12)).address).toBe(getBase58Decoder().decode(derived.publicKeyRaw))
  expect((await signer.addressAt(0)).address).not.toBe(signer.hotWallet.address)
  expect(() => signer.addressAt(-1)).toThrow()
  expect(() => signer.addressAt(0x8000_0000)).toThrow()
})

describe('D-34 what it signs', () => {
  test('one checked transfer of the one mint, with its reference', async () => {
    const { bytes } = await signer.sign(pay, lifetime)
    const message = getCompiledTransactionMessageDecoder().decode(getTransactionDecoder().decode(bytes).messageBytes)
    if (!('instructions' in message)) throw new Error('unknown version')
    const programs = message.instructions.map(({ programAddressIndex }) => message.staticAccounts[programAddressIndex])
    expect(programs).toEqual([TOKEN_PROGRAM, MEMO_PROGRAM])
    expect(message.staticAccounts).toContain(address(mint))
    expect(message.staticAccounts[0]).toBe(signer.feePayer)
  })

  test('the same bytes for the same intent, others for another reference', async () => {
    const [a, b] = [await signer.sign(pay, lifetime), await signer.sign(pay, lifetime)]
    expect(a).toEqual(b)
    expect((await signer.sign({ ...pay, reference: 'souk:1:2' }, lifetime)).signature).not.toBe(a.signature)
  })

  test.each([
    ['more than the cap', { ...pay, amount: 1_000_001n }],
    ['nothing', { ...pay, amount: 0n }],
    ['a negative amount', { ...pay, amount: -5n }],
    ['to itself', { ...pay, to: signer.hotWallet.address }],
    ['to the mint', { ...pay, to: mint }],
    ['to a token account', { ...pay, to: signer.hotWallet.tokenAccount }],
    ['to no address', { ...pay, to: 'nowhere' }],
  ])('never %s', async (_, intent) => {
    await expect(signer.sign(intent, lifetime)).rejects.toBeInstanceOf(IntentRefused)
  })

  test('a key of its own may pay the fees', async () => {
    const feePayerSeed = new Uint8Array(32).fill(9)
    const split = await createSolanaSigner({ ...options, feePayerSeed })
    expect(split.feePayer).not.toBe(split.hotWallet.address)
    const { bytes } = await split.sign(pay, lifetime)
    expect(Object.keys(getTransactionDecoder().decode(bytes).signatures)).toEqual([
      split.feePayer,
      split.hotWallet.address,
    ])
  })
})
