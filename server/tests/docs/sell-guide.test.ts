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
  folder = mkdtempSync(join(tmpdir(), 'souk-sell-guide-'))
  symlinkSync(`${ROOT}node_modules`, join(folder, 'node_modules'))
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})

test('PA-5 PA-28 PA-59 the guide to selling works as it stands, from the first listing to the last sale', {
  timeout: RUN_MS,
}, async () => {
  const guide = readFileSync(`${ROOT}docs/guides/sell.md`, 'utf8')
  const port = String(await freePort())
  const blocks = (language: string) =>
    [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) =>
      code.replaceAll('http://localhost:3000', world.url).replaceAll('4022', port),
    )
  for (const script of blocks('js')) {
    const [, name = ''] = /^\/\/ (\S+\.[cm]js)\n/.exec(script) ?? []
    expect(name).not.toBe('')
    writeFileSync(join(folder, name), script)
  }
  const { output, code } = await runInBash(blocks('bash').join('\n'))
  expect({ code, faults: output.match(/"code":"[^"]*"/g) }).toEqual({ code: 0, faults: null })
  expect(output).toMatch(/\{"backwards":"kuos"\} 0x[0-9a-f]{64}/)
  expect(output).toContain('"receiptsSold":1')
  expect(output).toContain('"rank":{"text":1,')
  const states = [...output.matchAll(/"offerId":"[^"]*","status":"(\w+)","reason"/g)].map(([, status]) => status)
  expect(states.slice(0, 2)).toEqual(['degraded', 'healthy'])
  expect(
    output
      .match(/"type":"listing\.(degraded|recovered)"/g)
      ?.sort()
      .slice(0, 2),
  ).toEqual(['"type":"listing.degraded"', '"type":"listing.recovered"'])
  expect(output.trimEnd().endsWith('{"ok":true}{"ok":true}')).toBe(true)
})

function runInBash(script: string): Promise<{ output: string; code: number | null }> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` }
  const bash = spawn('bash', ['-eu'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
  // Whatever goes wrong, the guide's seller ends with its shell.
  const whole = `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${script}`
  let output = ''
  bash.stdout.on('data', (chunk) => {
    output += chunk
  })
  bash.stdin.end(whole)
  return new Promise((resolve, reject) => {
    bash.once('error', reject)
    bash.once('close', (code) => resolve({ output, code }))
  })
}
