import {
  bytesToHex,
  decodeFunctionData,
  type Hex,
  parseTransaction,
  recoverTypedDataAddress,
  serializeSignature,
} from 'viem'
import { HDKey, hdKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { AUTHORIZATION_TYPES, TOKEN_ABI } from './abi.ts'
import { createEvmSigner, IntentRefused } from './signer.ts'

const masterSecret = new Uint8Array(32).fill(5)
const token = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const options = { masterSecret, token, chainId: 84_532, domain: { name: 'USDC', version: '2' }, maxPayment: 1_000_000n }
const terms = { nonce: 3, maxFeePerGas: 100n, maxPriorityFeePerGas: 1n, validBefore: 2_000_000_000n }
const signer = createEvmSigner(options)
const stranger = createEvmSigner({ ...options, masterSecret: new Uint8Array(32).fill(6) }).hotWallet.address
const pay = { kind: 'pay', to: stranger, amount: 7n, reference: 'souk:1:1' } as const

/** What the token would read. */
function argsOf(bytes: Uint8Array) {
  const { data = '0x', to } = parseTransaction(bytesToHex(bytes))
  const { functionName, args } = decodeFunctionData({ abi: TOKEN_ABI, data })
  if (functionName !== 'transferWithAuthorization') throw new Error(`${functionName} was signed`)
  const [from, payee, value, validAfter, validBefore, nonce, v, r, s] = args
  const message = { from, to: payee, value, validAfter, validBefore, nonce }
  return { to, message, signature: serializeSignature({ r, s, v: BigInt(v) }) }
}

test('deposit addresses are m/44’/60’/i’/0/0 of the master secret, and never the hot wallet', async () => {
  const derived = hdKeyToAccount(HDKey.fromMasterSeed(masterSecret), { path: "m/44'/60'/12'/0/0" })
  expect((await signer.addressAt(12)).address).toBe(derived.address)
  expect((await signer.addressAt(0)).address).not.toBe(signer.hotWallet.address)
  await expect(signer.addressAt(-1)).rejects.toThrow()
  await expect(signer.addressAt(0x8000_0000)).rejects.toThrow()
})

describe('D-34 what it signs', () => {
  test('one authorized transfer of the one token, with its reference behind it', async () => {
    const { bytes, lastValidBlockHeight } = await signer.sign(pay, terms)
    const { to, message, signature } = argsOf(bytes)
    expect(to?.toLowerCase()).toBe(token.toLowerCase())
    expect(message).toMatchObject({
      from: signer.hotWallet.address,
      to: stranger,
      value: 7n,
      validBefore: 2_000_000_000n,
    })
    const domain = { ...options.domain, chainId: 84_532, verifyingContract: token } as const
    const primaryType = 'TransferWithAuthorization' as const
    const signed = { domain, types: AUTHORIZATION_TYPES, primaryType, message, signature }
    expect(await recoverTypedDataAddress(signed)).toBe(signer.hotWallet.address)
    expect(Buffer.from(bytes).toString('latin1')).toContain('souk:1:1')
    expect(lastValidBlockHeight).toBe(2_000_000_000n)
  })

  test('a collection is authorized by the deposit address and pays the hot wallet', async () => {
    const { bytes } = await signer.sign({ kind: 'collect', index: 4, amount: 9n, reference: 'souk:2:1' }, terms)
    const { message } = argsOf(bytes)
    expect(message).toMatchObject({
      from: (await signer.addressAt(4)).address,
      to: signer.hotWallet.address,
      value: 9n,
    })
  })

  test('D-15 every attempt of one payout carries the same authorization nonce, another payout another', async () => {
    const nonceOf = async (reference: string): Promise<Hex> =>
      argsOf((await signer.sign({ ...pay, reference }, terms)).bytes).message.nonce
    expect(await nonceOf('souk:1:2')).toBe(await nonceOf('souk:1:1'))
    expect(await nonceOf('souk:2:1')).not.toBe(await nonceOf('souk:1:1'))
  })

  test.each([
    ['more than the cap', { ...pay, amount: 1_000_001n }],
    ['nothing', { ...pay, amount: 0n }],
    ['a negative amount', { ...pay, amount: -5n }],
    ['to itself', { ...pay, to: signer.hotWallet.address }],
    ['to the token', { ...pay, to: token }],
    ['to the zero address', { ...pay, to: `0x${'0'.repeat(40)}` }],
    ['to no address', { ...pay, to: 'nowhere' }],
  ])('never %s', async (_, intent) => {
    await expect(signer.sign(intent, terms)).rejects.toBeInstanceOf(IntentRefused)
  })
})
