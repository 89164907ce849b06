import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '#platform/config/index'
import { openTestDatabase } from '#tests/database'
import { type EvmTestChain, startEvmTestChain } from '#tests/evm-chain'
import { evmIdentity } from './chain-identity.ts'
import { claimInstallation, WrongWorld } from './installation.ts'

const GENESIS = `0x${'ab'.repeat(32)}`
const LIVE = {
  SOUK_MODE: 'live',
  SOUK_URL: 'https://souk.example.com/',
  DATABASE_URL: 'postgres://souk:secret@db/souk',
  SOUK_OPERATOR_KEY: 'k'.repeat(32),
  SOUK_MASTER_SECRET: 'ab'.repeat(32),
  SOLANA_RPC_URL: 'https://rpc.example.com',
  EVM_RPC_URL: 'https://base.example.com',
}

let chain: EvmTestChain
/** Somebody else's node: it speaks the protocol and is none of ours. */
let stranger: Server
let strangerUrl: string
beforeAll(async () => {
  chain = await startEvmTestChain()
  const answers = {
    web3_clientVersion: 'Geth/v1.16.0',
    eth_chainId: '0x2105',
    eth_getBlockByNumber: { hash: GENESIS },
  } as Record<string, unknown>
  stranger = createServer((request, response) => {
    let text = ''
    request.on('data', (part) => {
      text += part
    })
    request.on('end', () => response.end(JSON.stringify({ result: answers[JSON.parse(text).method] })))
  })
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
  strangerUrl = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
})
afterAll(async () => {
  await chain.close()
  await new Promise((resolve) => stranger.close(resolve))
})

const settings = (variables: Record<string, string>) => {
  const { live, evm } = readConfig(variables)
  if (evm === null) throw new Error('EVM is off')
  return { live, evm }
}

test('D-24 the sandbox takes a local chain of ours and no other', async () => {
  const identity = await evmIdentity(settings({}), chain.rpcUrl)
  expect(identity).toMatch(/^eip155:84532:0x[0-9a-f]{64}$/)
  await expect(evmIdentity(settings({}), strangerUrl)).rejects.toThrow(
    'EVM_RPC_URL is not one of the local test chains',
  )
})

test('live mode takes a node of the chain it is configured for', async () => {
  expect(await evmIdentity(settings(LIVE), strangerUrl)).toBe(`eip155:8453:${GENESIS}`)
  await expect(evmIdentity(settings(LIVE), chain.rpcUrl)).rejects.toThrow(
    'leads to chain 84532, but EVM_CHAIN_ID is 8453',
  )
  await expect(evmIdentity(settings(LIVE), 'http://127.0.0.1:9')).rejects.toThrow('does not answer')
})

test('a database stays with the EVM chain it was first used with', async () => {
  const { store, close } = await openTestDatabase()
  const solana = { mode: 'sandbox', chainIdentity: 'solana:a' } as const
  await claimInstallation(store, { ...solana, evmIdentity: null })
  await claimInstallation(store, { ...solana, evmIdentity: 'eip155:84532:0x1' })
  await claimInstallation(store, { ...solana, evmIdentity: null })
  await claimInstallation(store, { ...solana, evmIdentity: 'eip155:84532:0x1' })
  const another = claimInstallation(store, { ...solana, evmIdentity: 'eip155:84532:0x2' })
  await expect(another).rejects.toThrow(WrongWorld)
  await close()
})
