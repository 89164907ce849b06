import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '#tests/tidy/sources'
import { openWorld, type World } from '#tests/world'
import { freePort } from '../free-port.ts'

const RUN_MS = 120_000

let world: World
let folder: string

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  folder = mkdtempSync(join(tmpdir(), 'souk-buy-guide-'))
  symlinkSync(`${ROOT}node_modules`, join(folder, 'node_modules'))
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})

test('PA-1 PA-3 D-16 the guide to buying works as it stands, in every way it names', { timeout: RUN_MS }, async () => {
  const guide = readFileSync(`${ROOT}docs/guides/buy.md`, 'utf8')
  const blocks = (language: string) =>
    [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code)
  for (const script of blocks('js')) {
    const [, name = ''] = /^\/\/ (\S+\.mjs)\n/.exec(script) ?? []
    expect(name).not.toBe('')
    writeFileSync(join(folder, name), script)
  }
  const port = await freePort()
  const bash = blocks('bash').join('\n').replaceAll('http://localhost:3000', world.url).replaceAll('4021', String(port))
  const { output, code } = await runInBash(bash)
  expect({ code, faults: output.match(/"code":"[^"]*"/g) }).toEqual({ code: 0, faults: null })
  expect(output).toContain('"error":"Payment required"')
  // By hand twice, with the SDK, with three other clients.
  expect(output.match(/\{"backwards":"kuos"\}/g)).toHaveLength(6)
  expect(output).toContain('"status":"settled"')
  const hashes = output.match(/(?<=kuos"\} )0x[0-9a-f]{64}/g) ?? []
  expect([hashes.length, new Set(hashes).size]).toEqual([4, 4])
  const { body } = await world.call('GET', '/api/v1/receipts')
  expect(body.receipts).toHaveLength(5)
})

function runInBash(script: string): Promise<{ output: string; code: number | null }> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` }
  const bash = spawn('bash', ['-eu'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  bash.stdout.on('data', (chunk) => {
    output += chunk
  })
  bash.stdin.end(script)
  return new Promise((resolve, reject) => {
    bash.once('error', reject)
    bash.once('close', (code) => resolve({ output, code }))
  })
}
