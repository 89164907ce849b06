import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AgentWorld, openAgentWorld } from '#tests/agent-world'
import { isWalletOf, ownersOf, partyOfWallet, profileOf, setEmergencyAddress } from './index.ts'

let db: AgentWorld

beforeAll(async () => {
  db = await openAgentWorld()
})
afterAll(() => db.close())

const BASE = 'eip155:8453'
const SOLANA = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
const partyOf = (network: string, address: string) => db.store.transact((tx) => partyOfWallet(tx, { network, address }))
const SELLER_WALLETS = ['4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU', 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v']
const evm = (digit: string) => `0x${digit.repeat(40)}`

test('PA-13 a wallet that buys becomes an agent, and stays that one whatever the case of its letters', async () => {
  const partyId = await partyOf(BASE, evm('a'))
  expect(await partyOf(BASE, `0x${'A'.repeat(40)}`)).toBe(partyId)
  expect(await profileOf(db.store.read, partyId)).toMatchObject({
    name: '0xaaaa…aaaa',
    provenWallet: evm('a'),
    payoutWallet: null,
    chain: BASE,
    activated: true,
    handle: null,
  })
})

test('PA-13 many that buy at once from one wallet are one agent, of which one is heard', async () => {
  const parties = await Promise.all(Array.from({ length: 8 }, () => partyOf(BASE, evm('b'))))
  expect(new Set(parties).size).toBe(1)
  const heard = await db.store.read.rows(sql`
    select 1 from event where name = 'agent.registered' and subject = ${parties[0]}`)
  expect(heard).toHaveLength(1)
  const nobody = await db.store.read.rows(sql`
    select 1 from party left join agent on agent.party_id = party.id where agent.party_id is null`)
  expect(nobody).toEqual([])
})

test('PA-13 who waited for a wallet whose unit was rolled back makes the agent itself', async () => {
  const first = db.store.transact(async (tx) => {
    await partyOfWallet(tx, { network: BASE, address: evm('c') })
    throw new Error('no purchase after all')
  })
  const second = partyOf(BASE, evm('c'))
  await expect(first).rejects.toThrow('no purchase')
  expect(await profileOf(db.store.read, await second)).toMatchObject({ provenWallet: evm('c') })
})

test('one address on two networks may be two people', async () => {
  expect(await partyOf(BASE, evm('d'))).not.toBe(await partyOf('eip155:1', evm('d')))
})

test('where case is part of the address, two cases are two wallets', async () => {
  const address = 'So1anaWa11etAddressInItsOwnLettersAndDigits1'
  expect(await partyOf(SOLANA, address)).toBe(await partyOf(SOLANA, address))
  expect(await partyOf(SOLANA, address)).not.toBe(await partyOf(SOLANA, address.toLowerCase()))
})

test.each(['', '0x12', 'not a wallet'])('what is no EVM address (%j) buys nothing', async (address) => {
  await expect(partyOf(BASE, address)).rejects.toMatchObject({ code: 'wallet_invalid', kind: 'invalid' })
})

test('PA-13 a wallet named for payouts is nobody’s purchases', async () => {
  const named = await db.agentNamed('named', { payoutWallet: evm('e') })
  const buyer = await partyOf(BASE, evm('e'))
  expect(buyer).not.toBe(named.partyId)
  await expect(db.agentNamed('second', { payoutWallet: `0x${'E'.repeat(40)}` })).rejects.toMatchObject({
    code: 'wallet_taken',
    kind: 'conflict',
  })
  expect(await profileOf(db.store.read, named.partyId)).toMatchObject({ payoutWallet: evm('e'), provenWallet: null })
})

test('PA-12 who names a wallet on each kind of network is one owner with who buys from either', async () => {
  const [solana, other] = [SELLER_WALLETS[0], SELLER_WALLETS[1]] as [string, string]
  const both = await db.agentNamed('both', { payoutWallet: evm('9'), solanaWallet: solana })
  const one = await db.agentNamed('one', { solanaWallet: other })
  const buyers = [await partyOf(BASE, evm('9')), await partyOf(SOLANA, solana), await partyOf(SOLANA, other)]
  const owners = await ownersOf(db.store.read, [both.partyId, one.partyId, ...buyers])
  const [evmOwner, solanaOwner] = [evm('9'), other.toLowerCase()]
  expect([both.partyId, one.partyId, ...buyers].map((id) => owners.get(id))).toEqual([
    ...[evmOwner, solanaOwner, evmOwner, evmOwner, solanaOwner],
  ])
})

test('PA-12 one wallet, named or proven and in whatever case, is one owner; who has none is left out', async () => {
  const address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
  const named = await db.agentNamed('seller', { payoutWallet: address })
  const buyer = await partyOf(BASE, address)
  const [plain, other] = [await db.agentNamed('plain'), await partyOf(BASE, evm('f'))]
  const owner = address.toLowerCase()
  expect(await ownersOf(db.store.read, [named.partyId, buyer, plain.partyId, other])).toEqual(
    new Map([
      [named.partyId, owner],
      [buyer, owner],
      [other, evm('f')],
    ]),
  )
})

test('PA-12 D-4 a party’s own are the wallet it is paid to, the one it flees to and the one it came with', async () => {
  const { partyId } = await db.agentNamed('walleted', { payoutWallet: evm('1') })
  await db.store.transact((tx) => setEmergencyAddress(tx, { partyId, address: evm('2') }))
  const comer = await partyOf(BASE, evm('3'))
  const isOf = (owner: string, address: string, network = BASE) =>
    isWalletOf(db.store.read, { partyId: owner, network, address })
  for (const own of [evm('1'), evm('2')]) expect(await isOf(partyId, own.toUpperCase().replace('0X', '0x'))).toBe(true)
  expect([await isOf(comer, evm('3')), await isOf(comer, evm('3'), 'eip155:1')]).toEqual([true, false])
  expect([await isOf(partyId, evm('3')), await isOf(comer, evm('1'))]).toEqual([false, false])
})
