import { randomBytes } from 'node:crypto'
import { encodeFunctionData, type Hex, keccak256, parseSignature, toHex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EvmChain } from './chain.ts'
import {
  AUTHORIZATION_TYPES,
  type Authorization,
  authorizationOf,
  type Client,
  DOMAIN,
  startWorld,
  TOKEN,
  TOKEN_FULL_ABI,
} from './test-world.ts'
import { readArtifact } from './token/artifact.ts'
import { compileToken } from './token/compile.ts'

let chain: EvmChain
let client: Client
let relay: PrivateKeyAccount
beforeAll(async () => {
  ;({ chain, client } = await startWorld())
  relay = await client.holder(0n)
})
afterAll(() => chain.close())

type Signature = readonly [Hex] | readonly [number, Hex, Hex]
type Moving = 'TransferWithAuthorization' | 'ReceiveWithAuthorization'

const CALLS = {
  TransferWithAuthorization: 'transferWithAuthorization',
  ReceiveWithAuthorization: 'receiveWithAuthorization',
}

const signed = (from: PrivateKeyAccount, message: Authorization, primaryType: Moving = 'TransferWithAuthorization') =>
  from.signTypedData({ domain: DOMAIN, types: AUTHORIZATION_TYPES, primaryType, message })

function split(signature: Hex): Signature {
  const { r, s, yParity } = parseSignature(signature)
  return [27 + yParity, r, s]
}

function moveData(given: Authorization, signature: Signature, primaryType: Moving = 'TransferWithAuthorization'): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = given
  const args = [from, to, value, validAfter, validBefore, nonce, ...signature]
  return encodeFunctionData({ abi: TOKEN_FULL_ABI, functionName: CALLS[primaryType], args })
}

/** Simulates first, so that a refusal comes with its words. */
async function submit(data: Hex, by = relay) {
  await client.node.call({ account: by.address, to: TOKEN, data })
  const hash = await client.raw<Hex>('eth_sendRawTransaction', await client.sign(by, { to: TOKEN, data }))
  return client.node.getTransactionReceipt({ hash })
}

const read = (functionName: string, args: unknown[] = []) =>
  client.node.readContract({ address: TOKEN, abi: TOKEN_FULL_ABI, functionName, args })

const topic = (text: string) => keccak256(toHex(text))

test('the compiled token belongs to its source', () => {
  expect(compileToken()).toEqual(readArtifact())
}, 60_000)

test('it is USDC of Base Sepolia to whoever asks', async () => {
  const told = await Promise.all(['name', 'symbol', 'version', 'decimals'].map((name) => read(name)))
  expect(told).toEqual(['USDC', 'USDC', '2', 6])
  expect(await client.node.getChainId()).toBe(84_532)
})

describe('EIP-3009', () => {
  test.each([
    ['bytes', (signature: Hex): Signature => [signature]],
    ['v, r, s', split],
  ])('an authorization is carried out by anybody, once, signature as %s', async (_form, shape) => {
    const [ann, bob] = [await client.holder(100n), await client.holder(0n)]
    const given = authorizationOf(ann.address, bob.address, 40n)
    const data = moveData(given, shape(await signed(ann, given)))
    expect(await read('authorizationState', [ann.address, given.nonce])).toBe(false)
    const { status, logs } = await submit(data)
    expect(status).toBe('success')
    expect(logs.map(({ topics }) => topics[0])).toEqual([
      topic('AuthorizationUsed(address,bytes32)'),
      topic('Transfer(address,address,uint256)'),
    ])
    expect(await client.balance(bob.address)).toBe(40n)
    expect(await read('authorizationState', [ann.address, given.nonce])).toBe(true)
    await expect(submit(data)).rejects.toThrow('authorization is used or canceled')
    expect(await client.balance(bob.address)).toBe(40n)
  })

  test('outside its window, changed, or signed for another domain, it moves nothing', async () => {
    const [ann, bob] = [await client.holder(100n), await client.holder(0n)]
    const now = BigInt(Math.floor(Date.now() / 1000))
    const given = authorizationOf(ann.address, bob.address, 10n)
    const refused = async (change: Partial<Authorization>, words: string) => {
      const changed = { ...given, ...change }
      await expect(submit(moveData(changed, [await signed(ann, changed)]))).rejects.toThrow(words)
    }
    await refused({ validAfter: now + 60n }, 'authorization is not yet valid')
    await refused({ validBefore: now - 1n }, 'authorization is expired')
    const signature = await signed(ann, given)
    await expect(submit(moveData({ ...given, value: 11n }, [signature]))).rejects.toThrow('invalid signature')
    const onMainnet = await ann.signTypedData({
      domain: { ...DOMAIN, name: 'USD Coin', chainId: 8453 },
      types: AUTHORIZATION_TYPES,
      primaryType: 'TransferWithAuthorization',
      message: given,
    })
    await expect(submit(moveData(given, [onMainnet]))).rejects.toThrow('invalid signature')
    expect(await client.balance(bob.address)).toBe(0n)
  })

  test('more than the payer holds is not moved, and the authorization stays unused', async () => {
    const [ann, bob] = [await client.holder(5n), await client.holder(0n)]
    const given = authorizationOf(ann.address, bob.address, 6n)
    await expect(submit(moveData(given, [await signed(ann, given)]))).rejects.toThrow()
    expect(await read('authorizationState', [ann.address, given.nonce])).toBe(false)
  })

  test('receiveWithAuthorization serves the payee only', async () => {
    const [ann, bob] = [await client.holder(100n), await client.holder(0n)]
    const given = authorizationOf(ann.address, bob.address, 30n)
    const signature = await signed(ann, given, 'ReceiveWithAuthorization')
    for (const shape of [[signature] as const, split(signature)]) {
      const data = moveData(given, shape, 'ReceiveWithAuthorization')
      await expect(submit(data)).rejects.toThrow('caller must be the payee')
    }
    await submit(moveData(given, split(signature), 'ReceiveWithAuthorization'), bob)
    expect(await client.balance(bob.address)).toBe(30n)
  })

  test('a cancelled authorization can no longer be used', async () => {
    const [ann, bob] = [await client.holder(100n), await client.holder(0n)]
    for (const shape of [(signature: Hex): Signature => [signature], split]) {
      const given = authorizationOf(ann.address, bob.address, 30n)
      const cancellation = { authorizer: ann.address, nonce: given.nonce }
      const types = AUTHORIZATION_TYPES
      const signature = await ann.signTypedData({
        domain: DOMAIN,
        types,
        primaryType: 'CancelAuthorization',
        message: cancellation,
      })
      const args = [ann.address, given.nonce, ...shape(signature)]
      await submit(encodeFunctionData({ abi: TOKEN_FULL_ABI, functionName: 'cancelAuthorization', args }))
      await expect(submit(moveData(given, [await signed(ann, given)]))).rejects.toThrow('is used or canceled')
    }
  })

  test('a wallet that is a contract is asked for its word (ERC-1271)', async () => {
    const bob = await client.holder(0n)
    // Answers every question with isValidSignature's own selector: a wallet that agrees to everything.
    const yes = '7f1626ba7e0000000000000000000000000000000000000000000000000000000060005260206000f3'
    const initCode: Hex = `0x6029600c60003960296000f3${yes}`
    const nonce = await client.node.getTransactionCount({ address: relay.address })
    const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 0n }
    const deploy = { chainId: 84_532, type: 'eip1559', gas: 200_000n, nonce, data: initCode, ...fees } as const
    const hash = await client.raw<Hex>('eth_sendRawTransaction', await relay.signTransaction(deploy))
    const wallet = (await client.node.getTransactionReceipt({ hash })).contractAddress as Hex
    await client.raw('souk_faucet', { address: wallet, amount: '50', wei: '0' })
    const given = authorizationOf(wallet, bob.address, 20n)
    await submit(moveData(given, [`0x${randomBytes(96).toString('hex')}`]))
    expect(await client.balance(bob.address)).toBe(20n)
  })
})
