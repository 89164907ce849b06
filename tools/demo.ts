// Two agents trade through the whole market on a real local chain, and every step says what moved. It uses the sandbox at
// SOUK_URL or http://localhost:3000 when one answers there, and else starts one of its own and removes it at the end.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { approve, askWithEscrow, requesterWith, workFor } from './demo/request-trade.ts'
import { call, findSandbox, type Json, type Sandbox, until } from './demo/sandbox.ts'
import { buyWith, fillEvm, newEvmWallet, onEvmChain, openShop } from './demo/wallet-trade.ts'

const PACE_MS = process.stdout.isTTY ? 350 : 0

interface Agent {
  readonly name: string
  readonly key: string
  readonly depositAddress: string
}

/** A wallet outside the market. */
interface Wallet {
  readonly address: string
  readonly secretKey: string
}

async function register(souk: Sandbox, name: string): Promise<Agent> {
  const unique = `${name}-${Date.now().toString(36)}`
  const { apiKey, depositAddress } = await call(souk, '/api/v1/auth/register', { body: { name: unique } })
  return { name, key: apiKey, depositAddress }
}

async function balance(souk: Sandbox, { key }: Agent, part: 'available' | 'escrowed'): Promise<bigint> {
  return BigInt((await call(souk, '/api/v1/wallet/balance', { key }))[part])
}

/** What a wallet holds, asked of the chain itself. */
async function onChain(souk: Sandbox, { address }: Wallet): Promise<bigint> {
  const { rpcUrl, mint } = (await call(souk, '/sandbox/chains')).solana
  const params = [address, { mint }, { encoding: 'jsonParsed', commitment: 'confirmed' }]
  const answer = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'getTokenAccountsByOwner', params }),
  })
  const [account] = ((await answer.json()) as Json).result.value
  return BigInt(account?.account.data.parsed.info.tokenAmount.amount ?? 0)
}

// ── What is shown ───────────────────────────────────────────────────────────────────────────────────────────────────

function say(text: string): void {
  console.log(text)
}

/** Two decimals are enough for a story; money itself is never a float. */
function usdc(micros: bigint): string {
  const cents = (micros / 10_000n).toString().padStart(3, '0')
  return `${cents.slice(0, -2)}.${cents.slice(-2)}`.padStart(6)
}

let steps = 0

/** Runs one step and shows every purse it changed. */
async function step(
  title: string,
  purses: Record<string, () => Promise<bigint>>,
  act: () => Promise<string | undefined>,
) {
  const readAll = () => Promise.all(Object.values(purses).map((read) => read()))
  const before = await readAll()
  const note = await act()
  const after = await readAll()
  steps += 1
  say(`\n${steps}. ${title}`)
  if (note) say(`   ${note}`)
  for (const [index, name] of Object.keys(purses).entries()) {
    const [was, is] = [before[index] ?? 0n, after[index] ?? 0n]
    if (was !== is) say(`   ${name.padEnd(24)} ${usdc(was)} → ${usdc(is)} USDC`)
  }
  await pause(PACE_MS)
}

// ── The story ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function trade(souk: Sandbox): Promise<void> {
  const [ada, bo] = [await register(souk, 'ada'), await register(souk, 'bo')]
  const [adasWallet, bosWallet] = [await newWallet(souk), await newWallet(souk)]
  const purses = {
    "Ada's wallet, on chain": () => onChain(souk, adasWallet),
    "Bo's wallet, on chain": () => onChain(souk, bosWallet),
    'Ada, available': () => balance(souk, ada, 'available'),
    'Ada, in escrow': () => balance(souk, ada, 'escrowed'),
    'Bo, available': () => balance(souk, bo, 'available'),
  }
  await step('Two agents have registered; the faucet fills their personal wallets', purses, async () => {
    await fill(souk, adasWallet, 20_000_000n)
    await fill(souk, bosWallet, 1_000_000n)
    return `Ada deposits to ${ada.depositAddress}, Bo to ${bo.depositAddress}`
  })
  await step('Both deposit on the chain; the first USDC activates an agent', purses, async () => {
    await deposit(souk, { agent: ada, wallet: adasWallet, amount: 20_000_000n })
    await deposit(souk, { agent: bo, wallet: bosWallet, amount: 1_000_000n })
    return 'credited once finalized, less 1.00 activation each'
  })
  const job = await doJob(souk, { ada, bo, purses })
  await checkReceipt(souk, job.receipt)
  await withdraw(souk, { agent: bo, wallet: bosWallet, purses })
  await buyWithAWallet(souk)
  await requestWork(souk)
}

/** Cleo has no account here, only a wallet on the EVM chain; Dora sells calls of her API. */
async function buyWithAWallet(souk: Sandbox): Promise<void> {
  const [cleos, doras] = [await newEvmWallet(souk), await newEvmWallet(souk)]
  const shop = await openShop(souk, doras)
  const purses = {
    "Cleo's wallet, on chain": () => onEvmChain(souk, cleos),
    "Dora's wallet, on chain": () => onEvmChain(souk, doras),
  }
  try {
    await fillEvm(souk, cleos, 1_000_000n)
    await step('Cleo, who has only a wallet, buys a call of Dora’s API by x402 for 0.02', purses, async () => {
      const { output, receiptId } = await buyWith(souk, cleos, shop)
      return `${JSON.stringify(output)}, straight from wallet to wallet; receipt ${receiptId}`
    })
  } finally {
    shop.close()
  }
}

/** Ema asks for work and pays into escrow on the chain; Fay bids and does it, for less than Ema had offered. */
async function requestWork(souk: Sandbox): Promise<void> {
  const [emas, fays] = [await newEvmWallet(souk), await newEvmWallet(souk)]
  const [ema, fay] = [await requesterWith(souk, 'ema', emas), await requesterWith(souk, 'fay', fays)]
  const purses = {
    "Ema's wallet, on chain": () => onEvmChain(souk, emas),
    "Fay's wallet, on chain": () => onEvmChain(souk, fays),
  }
  await fillEvm(souk, emas, 1_000_000n)
  let requestId = ''
  await step('Ema asks for work for up to 0.90, and pays that by x402 into escrow', purses, async () => {
    const posted = await askWithEscrow(souk, ema)
    requestId = posted.requestId
    return `request ${requestId} is ${posted.status}`
  })
  await step('Fay bids 0.60, is chosen and delivers; Ema approves, and the chain pays both', purses, async () => {
    await workFor(souk, { asker: ema, worker: fay, requestId })
    const { receiptId, txHash, surplusRefundedCents } = await approve(souk, ema, requestId)
    return `transaction ${txHash}, receipt ${receiptId}; ${surplusRefundedCents} cents came back to Ema`
  })
}

async function newWallet(souk: Sandbox): Promise<Wallet> {
  return call(souk, '/sandbox/wallets', { body: { network: 'solana' } })
}

async function fill(souk: Sandbox, wallet: Wallet, amount: bigint): Promise<void> {
  const body = { network: 'solana', address: wallet.address, amount: String(amount) }
  await call(souk, '/sandbox/faucet', { body })
  await until('the gift of the faucet', async () => (await onChain(souk, wallet)) === amount)
}

async function deposit(souk: Sandbox, { agent, wallet, amount }: { agent: Agent; wallet: Wallet; amount: bigint }) {
  const transfer = { network: 'solana', secretKey: wallet.secretKey, to: agent.depositAddress, amount: String(amount) }
  await call(souk, '/sandbox/send', { body: transfer })
  await until('the deposit', async () => {
    const { depositsFound } = await call(souk, '/api/v1/wallet/confirm-deposit', { key: agent.key, method: 'POST' })
    return depositsFound === 1
  })
}

type Purses = Parameters<typeof step>[1]

/** Ada hires Bo's service for 8 USDC, Bo delivers, Ada takes it; answers the job as both can read it. */
async function doJob(souk: Sandbox, { ada, bo, purses }: { ada: Agent; bo: Agent; purses: Purses }): Promise<Json> {
  const service = await call(souk, '/api/v1/services', {
    key: bo.key,
    body: {
      name: 'Word counter',
      description: 'Counts the words of a text',
      category: 'text',
      pricePerJob: 8_000_000,
      inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
      outputSchema: { type: 'object', properties: { words: { type: 'integer' } }, required: ['words'] },
    },
  })
  let job: Json
  await step('Bo lists a service for 8.00; Ada hires it, and 8.00 plus 3 % go into escrow', purses, async () => {
    const body = { type: 'direct', serviceId: service.id, input: { text: 'a market is a place to meet' } }
    job = await call(souk, '/api/v1/jobs', { key: ada.key, body })
    return `job ${job.id} is ${job.status}`
  })
  await step('Bo delivers, Ada takes the delivery, Bo is paid', purses, async () => {
    await call(souk, `/api/v1/jobs/${job.id}/deliver`, { key: bo.key, body: { output: { words: 7 } } })
    await call(souk, `/api/v1/jobs/${job.id}/accept-delivery`, { key: ada.key, method: 'POST' })
    job = await call(souk, `/api/v1/jobs/${job.id}`, { key: ada.key })
    return `job ${job.id} is ${job.status}`
  })
  return job
}

/** Ten lines that need nothing of ours but the public key: so can anybody. */
async function checkReceipt(souk: Sandbox, receipt: string): Promise<void> {
  await step('The receipt is verified offline, with the public key of /.well-known/jwks.json', {}, async () => {
    const { keys } = await call(souk, '/.well-known/jwks.json')
    const [header = '', payload = '', signature = ''] = receipt.split('.')
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
    const key = createPublicKey({ key: keys.find((jwk: Json) => jwk.kid === kid), format: 'jwk' })
    if (!verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))) {
      throw new Error('the signature of the receipt is wrong')
    }
    const { seq, price, fee, payout } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const hash = createHash('sha256').update(receipt).digest('hex')
    return `number ${seq}: price ${price}, fee ${fee}, payout ${payout} micro-units; the next one carries its hash ${hash.slice(0, 12)}…`
  })
}

async function withdraw(souk: Sandbox, { agent, wallet, purses }: { agent: Agent; wallet: Wallet; purses: Purses }) {
  const { key } = agent
  await step('Bo withdraws 8.00 to the wallet on the chain, less the fee of 0.10', purses, async () => {
    await call(souk, '/api/v1/wallet/withdrawal-address', { key, method: 'PUT', body: { address: wallet.address } })
    const { transactionId } = await call(souk, '/api/v1/wallet/withdraw', { key, body: { amount: 8_000_000 } })
    const payout = await until('the withdrawal', async () => {
      const seen = await call(souk, `/api/v1/wallet/withdrawals/${transactionId}`, { key })
      return seen.status === 'confirmed' && seen
    })
    return `transaction ${payout.txHash}`
  })
}

/** Answers whether the books are clean. */
async function audit(souk: Sandbox): Promise<boolean> {
  const { ok, checks, networks } = await call(souk, '/api/v1/admin/audit', { key: souk.operatorKey })
  say('\nThe audit of the books:')
  for (const { name, checked, differences } of checks)
    say(`   ${name.padEnd(34)} ${checked} checked, ${differences.length} differences`)
  for (const { network, holdings, liabilities } of networks)
    say(`   ${network}: holds ${holdings}, owes ${liabilities} micro-units`)
  say(ok ? '\nZero differences.' : '\nTHE BOOKS DO NOT ADD UP.')
  return ok
}

async function main(): Promise<number> {
  const souk = await findSandbox()
  try {
    await trade(souk)
    return (await audit(souk)) ? 0 : 1
  } finally {
    await souk.stop()
  }
}

process.exitCode = await main().catch((error: Error) => {
  console.error(`The demo failed: ${error.message}`)
  return 1
})
