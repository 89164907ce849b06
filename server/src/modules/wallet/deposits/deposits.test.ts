import {
  type Address,
  address,
  appendTransactionMessageInstructions,
  createSolanaRpc,
  createTransactionMessage,
  generateKeyPairSigner,
  getBase64EncodedWireTransaction,
  type Instruction,
  type KeyPairSigner,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit'
import { getCreateAccountInstruction } from '@solana-program/system'
import {
  AuthorityType,
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getInitializeAccount3Instruction,
  getInitializeMint2Instruction,
  getMintSize,
  getMintToInstruction,
  getSetAuthorityInstruction,
  getTokenSize,
  getTransferCheckedInstruction,
} from '@solana-program/token'
import { walletSigner } from '@souk/devchain/solana'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSolanaRail, createWallet, SANDBOX_WALLET_SETTINGS } from '../index.ts'
import { emergencyAddressOf } from '../payouts/panic.ts'
import { TOKEN_PROGRAM } from '../rails/solana/programs.ts'
import { type Agent, drive, openWalletWorld, until, type WalletWorld } from '../test-world.ts'
import { registerHotWallet } from './assign.ts'
import { addressOfParty } from './store.ts'

let world: WalletWorld
beforeAll(async () => {
  world = await openWalletWorld()
})
afterAll(() => world.close())

const USDC = 1_000_000n

async function land(payer: KeyPairSigner, instructions: readonly Instruction[]): Promise<void> {
  const rpc = createSolanaRpc(world.chain.rpcUrl)
  const { value } = await rpc.getLatestBlockhash({ commitment: 'confirmed' }).send()
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(payer, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(value, m),
    (m) => appendTransactionMessageInstructions(instructions, m),
  )
  const signed = await signTransactionMessageWithSigners(message)
  await rpc.sendTransaction(getBase64EncodedWireTransaction(signed), { encoding: 'base64' }).send()
  await world.chain.finalize()
}

const tokenAccountOf = async (owner: string, mint: string = world.chain.mint): Promise<Address> =>
  (await findAssociatedTokenPda({ owner: address(owner), mint: address(mint), tokenProgram: TOKEN_PROGRAM }))[0]

async function payment(from: KeyPairSigner, to: Agent, amount: bigint): Promise<Instruction[]> {
  const [source, ata, mint] = [
    await tokenAccountOf(from.address),
    await tokenAccountOf(to.address),
    address(world.chain.mint),
  ]
  return [
    getCreateAssociatedTokenIdempotentInstruction({ payer: from, ata, owner: address(to.address), mint }),
    getTransferCheckedInstruction({ source, mint, destination: ata, authority: from, amount, decimals: 6 }),
  ]
}

async function richSigner(): Promise<KeyPairSigner> {
  return walletSigner((await world.chain.wallet(100n * USDC)).secretKey)
}

const openAccount = async (payer: KeyPairSigner, fresh: KeyPairSigner, space: number) =>
  getCreateAccountInstruction({ payer, newAccount: fresh, lamports: 10_000_000n, space, programAddress: TOKEN_PROGRAM })

describe('D-17 deposits', () => {
  test('several transfers to several agents in one transaction: one net credit each', async () => {
    const [payer, a, b] = [await richSigner(), await world.register(), await world.register()]
    await land(payer, [
      ...(await payment(payer, a, 2n * USDC)),
      ...(await payment(payer, b, 3n * USDC)),
      ...(await payment(payer, a, 4n * USDC)),
    ])
    expect(await world.confirm(a)).toMatchObject({ found: 1, totalCredited: 5n * USDC })
    expect(await world.confirm(b)).toMatchObject({ found: 1, totalCredited: 2n * USDC })
    expect(await emergencyAddressOf(world.store.read, a.id)).toBe(payer.address)
  })

  test('a token that only looks like USDC is nothing', async () => {
    const [payer, mint, agent] = [await richSigner(), await generateKeyPairSigner(), await world.register()]
    const ata = await tokenAccountOf(agent.address, mint.address)
    await land(payer, [
      await openAccount(payer, mint, getMintSize()),
      getInitializeMint2Instruction({ mint: mint.address, decimals: 6, mintAuthority: payer.address }),
      getCreateAssociatedTokenIdempotentInstruction({ payer, ata, owner: address(agent.address), mint: mint.address }),
      getMintToInstruction({ mint: mint.address, token: ata, mintAuthority: payer, amount: 1_000n * USDC }),
    ])
    expect(await world.confirm(agent)).toMatchObject({ found: 0 })
    expect(await world.money(agent)).toEqual({ available: 0n, pending: 0n })
  })

  test('a funded account handed to the deposit wallet by setAuthority is nothing', async () => {
    const [payer, account, agent] = [await richSigner(), await generateKeyPairSigner(), await world.register()]
    const mint = address(world.chain.mint)
    await land(payer, [
      await openAccount(payer, account, getTokenSize()),
      getInitializeAccount3Instruction({ account: account.address, mint, owner: payer.address }),
      getTransferCheckedInstruction({
        source: await tokenAccountOf(payer.address),
        mint,
        destination: account.address,
        authority: payer,
        amount: 50n * USDC,
        decimals: 6,
      }),
      getSetAuthorityInstruction({
        owned: account.address,
        owner: payer,
        authorityType: AuthorityType.AccountOwner,
        newAuthority: address(agent.address),
      }),
    ])
    expect(await world.confirm(agent)).toMatchObject({ found: 0 })
  })

  test('two owners paying in one transaction are credited, and neither becomes the emergency address', async () => {
    const [a, b, agent] = [await richSigner(), await richSigner(), await world.register()]
    await land(a, [...(await payment(a, agent, 2n * USDC)), ...(await payment(b, agent, 2n * USDC))])
    expect(await world.confirm(agent)).toMatchObject({ found: 1, totalCredited: 3n * USDC, emergencyAddress: null })
  })

  test('nothing is credited before it is final, and confirming waits a moment for it', async () => {
    const agent = await world.register()
    const outside = await world.chain.wallet(2n * USDC)
    await world.chain.send(outside, agent.address, 2n * USDC)
    expect(await world.wallet.tryScan(agent.id)).toBe(true)
    expect(await world.money(agent)).toMatchObject({ available: 0n })
    expect(await world.confirm(agent)).toMatchObject({ found: 1 })
  })

  test('JP-33 many scans in many processes credit once', async () => {
    const agent = await world.register()
    await world.deposit(agent, 5n * USDC)
    const processes = [world.wallet, world.another({}), world.another({}), world.another({})]
    await Promise.all([...processes, ...processes].map((wallet) => wallet.scan(agent.id)))
    await world.wallet.sweeps[0]?.run()
    expect(await world.money(agent)).toMatchObject({ available: 4n * USDC })
  })

  test('a node that does not answer gives no answer, and loses nothing', async () => {
    const agent = await world.register()
    await world.deposit(agent, 5n * USDC)
    const rail = await createSolanaRail({
      rpcUrl: 'http://127.0.0.1:9',
      mint: world.chain.mint,
      masterSecret: new Uint8Array(32),
    })
    const cut = createWallet({
      ...world,
      rail,
      settings: SANDBOX_WALLET_SETTINGS,
      log: { warn: () => {}, error: () => {} },
    })
    await expect(cut.scan(agent.id)).rejects.toMatchObject({ code: 'chain_unreachable', kind: 'unknown' })
    expect(await cut.tryScan(agent.id)).toBe(false)
    expect(await world.confirm(agent)).toMatchObject({ found: 1 })
  })

  test('a transaction the node hides for a while is a finding, and credited once it shows', async () => {
    const agent = await world.register({ activated: true })
    await world.deposit(agent, 5n * USDC)
    const blind = world.another({ rail: { signaturesAfter: async () => [] } })
    const finding = async () =>
      (await world.findings()).some(
        ({ kind, details }) => kind === 'custody_difference' && details['held'] === '5000000',
      )
    await until(async () => {
      await blind.sweeps[0]?.run()
      return finding()
    }, 'the finding')
    await drive(world, world.wallet, { until: async () => !(await finding()) })
    expect(await world.money(agent)).toMatchObject({ available: 5n * USDC })
  })

  test('money a stranger sends to the hot wallet is a finding, and nobody’s', async () => {
    const outside = await world.chain.wallet(3n * USDC)
    const signature = await world.chain.send(outside, world.rail.hotWallet.address, 3n * USDC)
    await world.chain.finalize()
    const found = await until(async () => {
      await world.wallet.sweeps[0]?.run()
      return (await world.findings()).find(({ kind }) => kind === 'unattributed_deposit')
    }, 'the finding')
    expect(found.subject).toContain(signature)
    expect(found.details).toMatchObject({ amount: '3000000', source: outside.address })
  })
})

describe('sweeps', () => {
  test('an address is emptied into the hot wallet once it holds 1 USDC, dust included', async () => {
    const agent = await world.register({ activated: true })
    await world.deposit(agent, 400_000n)
    await world.confirm(agent)
    const address = async () => addressOfParty(world.store.read, { partyId: agent.id, network: 'solana' })
    await world.wallet.sweeps[1]?.run()
    expect(await address()).toMatchObject({ credited: 400_000n, swept: 0n })
    await world.deposit(agent, 600_000n)
    await world.confirm(agent)
    await drive(world, world.wallet, { until: async () => (await address())?.swept === USDC })
    await world.chain.finalize()
    expect(await world.chain.balance(agent.address)).toBe(0n)
    expect(await world.money(agent)).toMatchObject({ available: USDC })
  })
})

describe('D-32 the emergency address', () => {
  test('is never one of our own wallets', async () => {
    const [rich, agent] = [await world.register({ activated: true }), await world.register()]
    await world.deposit(rich, 10n * USDC)
    await world.confirm(rich)
    await world.chain.give(agent.address, 1n)
    await world.chain.finalize()
    await world.setAddress(rich, agent.address)
    await world.withdraw(rich, 5n * USDC)
    await drive(world, world.wallet, { until: async () => (await world.money(rich)).pending === 0n })
    await world.chain.finalize()
    await world.confirm(agent)
    expect(await world.money(agent)).toMatchObject({ available: 3_900_001n })
    expect(await emergencyAddressOf(world.store.read, agent.id)).toBeNull()
  })

  test('named at registration it stays', async () => {
    const named = await world.chain.emptyWallet()
    const agent = await world.register({ emergencyAddress: named.address })
    await world.deposit(agent, 5n * USDC)
    expect(await world.confirm(agent)).toMatchObject({ emergencyAddress: named.address })
  })
})

test('a database of another master secret is refused', async () => {
  const rail = await createSolanaRail({
    rpcUrl: world.chain.rpcUrl,
    mint: world.chain.mint,
    masterSecret: new Uint8Array(32).fill(1),
  })
  await world.wallet.sweeps[0]?.run()
  await expect(world.store.transact((tx) => registerHotWallet(tx, rail))).rejects.toThrow('another installation')
})

test('D-18 the chain covers the books', async () => {
  await world.chain.finalize()
  expect(await world.wallet.audit()).toMatchObject({ covered: true })
})
