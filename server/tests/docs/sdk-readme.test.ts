import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openShop, type Shop } from '#tests/sdk/shop'
import { ROOT } from '#tests/tidy/sources'
import { openWorld, type World } from '#tests/world'

let world: World
let shop: Shop
let folder: string

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  shop = await openShop(world)
  await shop.offer({ title: 'Mirror', description: 'Says a text backwards', priceCents: 2 })
  folder = mkdtempSync(join(tmpdir(), 'souk-sdk-readme-'))
  symlinkSync(`${ROOT}node_modules`, join(folder, 'node_modules'))
})
afterAll(async () => {
  shop.close()
  await world.close()
  rmSync(folder, { recursive: true })
})

test('the quick start of the SDK’s README works as it stands', { timeout: 60_000 }, async () => {
  const readme = readFileSync(`${ROOT}sdk/README.md`, 'utf8')
  const [, block = ''] = /```js\n([\s\S]*?)```/.exec(readme) ?? []
  expect(block).toContain("'http://localhost:3000'")
  writeFileSync(join(folder, 'quick-start.mjs'), block.replaceAll('http://localhost:3000', world.url))
  shop.answer = { status: 200, body: '{"backwards":"kuos"}', type: 'application/json' }
  const run = spawn(process.execPath, ['quick-start.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const { code, out } = await outcome(run)
  expect([code, out]).toEqual([0, expect.stringMatching(/^\{ backwards: 'kuos' \} 20000n 0x[0-9a-f]{64}\ntrue\n$/)])
  expect(readdirSync(join(folder, 'payments'))).toHaveLength(1)
})

async function outcome(run: ChildProcess): Promise<{ code: number | null; out: string }> {
  const ended = new Promise<number | null>((resolve) => run.once('close', resolve))
  const out = run.stdout ? await text(run.stdout) : ''
  return { code: await ended, out }
}
