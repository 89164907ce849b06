import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '#tests/tidy/sources'
import { openWorld, type World } from '#tests/world'

const TRADES = 4
const RUN_MS = 60_000

let world: World
let folder: string

beforeAll(async () => {
  world = await openWorld({ listens: true })
  folder = mkdtempSync(join(tmpdir(), 'souk-receipts-guide-'))
  const client = await world.agent({ funds: 10_000_000n })
  const provider = await world.agent({ funds: 0n })
  const serviceId = await world.service(provider)
  for (let n = 0; n < TRADES; n++) {
    const { body } = await client.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'long' } })
    await provider.post(`/api/v1/jobs/${body.id}/deliver`, { output: { bullets: ['short'] } })
    await client.post(`/api/v1/jobs/${body.id}/accept-delivery`)
  }
}, RUN_MS)
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})

/** The one block of a language in the guide, made to speak to this market. */
function block(language: string): string {
  const guide = readFileSync(`${ROOT}docs/guides/receipts.md`, 'utf8')
  const [only = '', ...more] = [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, code = '']) => code.replaceAll('http://localhost:3000', world.url),
  )
  expect([only.includes(world.url), more]).toEqual([true, []])
  return only
}

async function outcome(process: ChildProcess): Promise<{ code: number | null; out: string }> {
  const ended = new Promise<number | null>((resolve) => process.once('close', resolve))
  const out = process.stdout ? await text(process.stdout) : ''
  return { code: await ended, out }
}

test('D-19 the script of the guide verifies every receipt and the chain', { timeout: RUN_MS }, async () => {
  const script = join(folder, 'verify.mjs')
  writeFileSync(script, block('js'))
  const { code, out } = await outcome(spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] }))
  const lines = Array.from({ length: TRADES }, (_, index) => `${TRADES - index} 500000 USDC valid\n`)
  expect({ code, out }).toEqual({ code: 0, out: lines.join('') })
})

test('D-19 the script of the guide finds out who changes a letter', { timeout: RUN_MS }, async () => {
  const script = join(folder, 'changed.mjs')
  const change = "receipts[1].jws = receipts[1].jws.replace(/.(?=.{9}$)/, (letter) => (letter === 'A' ? 'B' : 'A'))\n"
  writeFileSync(script, block('js').replace('for (', `${change}for (`))
  const { out } = await outcome(spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] }))
  const verdicts = out
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^.* USDC /, ''))
  expect(verdicts).toEqual(['NOT VALID', 'NOT VALID', 'valid', 'valid'])
})

test('D-19 the command line of the guide verifies them offline', { timeout: RUN_MS }, async () => {
  const commands = block('sh').replace('npm run --silent souk --', `"${process.execPath}" ${ROOT}cli/src/souk.ts`)
  expect(commands).toContain('cli/src/souk.ts verify-receipt')
  const bash = spawn('bash', ['-euc', commands], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const { code, out } = await outcome(bash)
  expect(code).toBe(0)
  expect(out).toMatch(/All 4 receipts are valid, and each follows the one before\.\n$/)
})
