import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFunctionData, keccak256 } from 'viem'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type SpawnedEvmChain, spawnEvmChain } from './spawn.ts'
import { clientOf, TOKEN } from './test-world.ts'
import { TOKEN_ABI } from './token/abi.ts'

let dataDir: string
const started: SpawnedEvmChain[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'souk-evm-'))
})
afterEach(async () => {
  for (const chain of started.splice(0)) await chain.close()
  await rm(dataDir, { recursive: true, force: true })
})

async function spawn(): Promise<SpawnedEvmChain> {
  const chain = await spawnEvmChain({ dataDir, faults: true, finalAfterMs: 50 })
  started.push(chain)
  return chain
}

async function killHard(chain: SpawnedEvmChain): Promise<void> {
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

/** The processes below one, as the system lists them. */
async function childrenOf(pid: number): Promise<number[]> {
  const listed = await new Promise<string>((resolve) =>
    execFile('ps', ['-A', '-o', 'pid=,ppid='], (_error, stdout) => resolve(stdout)),
  )
  const pairs = listed
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const own = pairs.filter(([, parent]) => parent === pid).map(([child]) => child ?? 0)
  return [...own, ...(await Promise.all(own.map(childrenOf))).flat()]
}

test('D-15 kill -9 loses no answered transaction, no balance and no history, and a replay stays refused', async () => {
  const first = await spawn()
  const before = clientOf(first.rpcUrl)
  const [ann, bob] = [await before.holder(1000n), await before.holder(0n)]
  const signed = await Promise.all(
    Array.from({ length: 40 }, (_, i) => {
      const data = encodeFunctionData({ abi: TOKEN_ABI, functionName: 'transfer', args: [bob.address, BigInt(i + 1)] })
      return before.sign(ann, { to: TOKEN, data, nonce: i })
    }),
  )
  const answered: string[] = []
  for (const raw of signed.slice(0, 10)) answered.push(await before.raw<string>('eth_sendRawTransaction', raw))
  const burst = signed.slice(10).map(async (raw) => {
    answered.push(await before.raw<string>('eth_sendRawTransaction', raw))
    if (answered.length === 20) process.kill(first.pid, 'SIGKILL')
  })
  await Promise.allSettled(burst)
  await first.exited
  const after = clientOf((await spawn()).rpcUrl)
  expect(answered.length).toBeGreaterThanOrEqual(20)

  const receipts = await Promise.all(
    signed.map((raw) => after.node.getTransactionReceipt({ hash: keccak256(raw) }).catch(() => null)),
  )
  const landed = signed.filter((_, i) => receipts[i]?.status === 'success')
  expect(landed.map((raw) => keccak256(raw))).toEqual(expect.arrayContaining(answered))
  const paid = signed.reduce((sum, raw, i) => (landed.includes(raw) ? sum + BigInt(i + 1) : sum), 0n)
  expect(await after.balance(bob.address)).toBe(paid)
  expect(await after.balance(ann.address)).toBe(1000n - paid)
  await expect(after.raw('eth_sendRawTransaction', landed[0])).rejects.toThrow(/nonce too low/)
  expect(await after.balance(bob.address)).toBe(paid)
})

test('after kill -9 the chain is the same chain at the same place: genesis, port, and every block by its hash', async () => {
  const first = await spawn()
  const before = clientOf(first.rpcUrl)
  await before.holder(5n)
  await vi.waitFor(async () =>
    expect((await before.node.getBlock({ blockTag: 'finalized' })).number).toBeGreaterThanOrEqual(2n),
  )
  await before.holder(6n)
  const head = await before.node.getBlockNumber()
  const hashes = async (client: typeof before) =>
    Promise.all(Array.from({ length: Number(head) + 1 }, (_, n) => client.node.getBlock({ blockNumber: BigInt(n) })))
  const known = (await hashes(before)).map(({ hash }) => hash)
  await killHard(first)
  const second = await spawn()
  const after = clientOf(second.rpcUrl)
  expect(second.genesisHash).toBe(first.genesisHash)
  expect(second.rpcUrl).toBe(first.rpcUrl)
  expect((await hashes(after)).map(({ hash }) => hash)).toEqual(known)
})

test('what waited in the pool waits there after kill -9', async () => {
  const first = await spawn()
  const before = clientOf(first.rpcUrl)
  const [ann, bob] = [await before.holder(10n), await before.holder(0n)]
  await before.raw('souk_setMining', { on: false })
  const data = encodeFunctionData({ abi: TOKEN_ABI, functionName: 'transfer', args: [bob.address, 4n] })
  const hash = await before.raw<`0x${string}`>('eth_sendRawTransaction', await before.sign(ann, { to: TOKEN, data }))
  await killHard(first)
  const after = clientOf((await spawn()).rpcUrl)
  await after.raw('souk_mine', { blocks: 1 })
  expect((await after.node.getTransactionReceipt({ hash })).status).toBe('success')
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

test('the chain and its anvil leave with its parent, even one killed with -9', async () => {
  const module = new URL('./spawn.ts', import.meta.url).href
  const script = `
    const { spawnEvmChain } = await import(${JSON.stringify(module)})
    const chain = await spawnEvmChain(${JSON.stringify({ dataDir })})
    process.stdout.write(String(chain.pid))
  `
  const parent = execFile(process.execPath, ['--input-type=module', '-e', script])
  const pid = await new Promise<number>((resolve) => parent.stdout?.once('data', (text) => resolve(Number(text))))
  const family = [pid, ...(await childrenOf(pid))]
  expect(family.length).toBeGreaterThanOrEqual(3)
  expect(family.every(isAlive)).toBe(true)
  parent.kill('SIGKILL')
  await vi.waitFor(() => expect(family.filter(isAlive)).toEqual([]), { timeout: 5000 })
})

test('when anvil dies, the process that serves it ends, so that it is started again', async () => {
  const chain = await spawn()
  const client = clientOf(chain.rpcUrl)
  const ann = await client.holder(7n)
  // The shell that holds the leash comes first, anvil and its watcher after it.
  for (const pid of (await childrenOf(chain.pid)).slice(0, 1)) process.kill(-pid, 'SIGKILL')
  await chain.exited
  const again = clientOf((await spawn()).rpcUrl)
  expect(await again.balance(ann.address)).toBe(7n)
})
