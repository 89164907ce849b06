import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type SpawnedSolanaChain, spawnSolanaChain } from './spawn.ts'
import { clientOf, MINT, transfer } from './test-world.ts'

let dataDir: string
const started: SpawnedSolanaChain[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'souk-solana-'))
})
afterEach(async () => {
  for (const chain of started.splice(0)) await chain.close()
  await rm(dataDir, { recursive: true, force: true })
})

async function spawn(): Promise<SpawnedSolanaChain> {
  const chain = await spawnSolanaChain({ dataDir, mint: MINT, slotMs: 20, faults: true })
  started.push(chain)
  return chain
}

async function killHard(chain: SpawnedSolanaChain): Promise<void> {
  process.kill(chain.pid, 'SIGKILL')
  await chain.exited
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('kill -9 loses no answered transaction, no balance and no history, and a replay stays refused', async () => {
  const first = await spawn()
  const before = clientOf(first.rpcUrl)
  const [ann, bob] = [await before.newHolder(1000n), await before.newHolder(0n)]
  const signed = await Promise.all(
    Array.from({ length: 40 }, (_, i) => before.sign(ann.signer, [transfer(ann, bob, BigInt(i + 1))])),
  )
  const answered: string[] = []
  const burst = signed.map(async (one) => {
    answered.push(await before.send(one))
    if (answered.length === 10) process.kill(first.pid, 'SIGKILL')
  })
  await Promise.allSettled(burst)
  await first.exited
  const after = clientOf((await spawn()).rpcUrl)
  expect(answered.length).toBeGreaterThanOrEqual(10)

  const statuses = (await after.rpc.getSignatureStatuses(signed.map((one) => one.signature)).send()).value
  const landed = signed.filter((_, i) => statuses[i] !== null && statuses[i] !== undefined)
  expect(landed.map((one) => one.signature)).toEqual(expect.arrayContaining(answered))
  const paid = signed.reduce((sum, one, i) => (landed.includes(one) ? sum + BigInt(i + 1) : sum), 0n)
  expect(await after.balance(bob.ata)).toBe(paid)
  expect(await after.balance(ann.ata)).toBe(1000n - paid)
  await after.advance(1)
  const history = await after.rpc.getSignaturesForAddress(bob.ata, { commitment: 'confirmed' }).send()
  expect(history.map((one) => one.signature)).toEqual(expect.arrayContaining(landed.map((one) => one.signature)))
  await expect(after.send(landed[0]!)).rejects.toThrow()
  expect(await after.balance(bob.ata)).toBe(paid)
})

test('after kill -9 the chain is the same chain at the same place: genesis, port, slots, blockhashes', async () => {
  const first = await spawn()
  const before = clientOf(first.rpcUrl)
  const { value: latest } = await before.rpc.getLatestBlockhash().send()
  const slot = await before.rpc.getSlot({ commitment: 'processed' }).send()
  await killHard(first)
  const second = await spawn()
  const after = clientOf(second.rpcUrl)
  expect(second.genesisHash).toBe(first.genesisHash)
  expect(second.rpcUrl).toBe(first.rpcUrl)
  expect(await after.rpc.getSlot({ commitment: 'processed' }).send()).toBeGreaterThanOrEqual(slot)
  expect((await after.rpc.isBlockhashValid(latest.blockhash, { commitment: 'processed' }).send()).value).toBe(true)
})

test('a second process joins the chain that serves the folder instead of starting another', async () => {
  const [first, second] = await Promise.all([spawn(), spawn()])
  expect(second.pid).toBe(first.pid)
  expect(second.rpcUrl).toBe(first.rpcUrl)
  expect([first.attached, second.attached].sort()).toEqual([false, true])
  const guest = first.attached ? first : second
  await guest.close()
  expect(isAlive(guest.pid)).toBe(true)
})

test('what a dead process left behind does not keep the next one from starting', async () => {
  const first = await spawn()
  const left = await readFile(join(dataDir, 'serving.json'), 'utf8')
  await first.close()
  await writeFile(join(dataDir, 'serving.json'), left)
  const second = await spawn()
  expect(second.attached).toBe(false)
  expect(second.pid).not.toBe(first.pid)
})

test('the chain leaves with its parent, even one killed with -9', async () => {
  const module = new URL('./spawn.ts', import.meta.url).href
  const script = `
    const { spawnSolanaChain } = await import(${JSON.stringify(module)})
    const chain = await spawnSolanaChain(${JSON.stringify({ dataDir, mint: MINT })})
    process.stdout.write(String(chain.pid))
  `
  const parent = execFile(process.execPath, ['--input-type=module', '-e', script])
  const pid = await new Promise<number>((resolve) => parent.stdout?.once('data', (text) => resolve(Number(text))))
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5000 })
})
