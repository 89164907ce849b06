import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '#tests/tidy/sources'

const START_MS = 60_000
const RUN_MS = 120_000

let dataDir: string
let server: ChildProcess
let url: string

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'souk-quick-start-'))
  server = spawn(process.execPath, [`${ROOT}server/src/main/server.ts`], {
    env: { ...plainEnv(), PORT: '0', SOUK_DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  url = await announced(server)
}, START_MS)

afterAll(async () => {
  const gone = new Promise((resolve) => server.once('exit', resolve))
  if (server.exitCode === null && server.kill('SIGTERM')) await gone
  rmSync(dataDir, { recursive: true, force: true })
})

test(
  'the quick start of the README works as it stands, from two registrations to USDC on the chain',
  async () => {
    const readme = readFileSync(`${ROOT}README.md`, 'utf8')
    const blocks = [...readme.matchAll(/```bash\n([\s\S]*?)```/g)].map(([, block = '']) => block)
    expect(blocks.length).toBeGreaterThan(4)
    const script = blocks.join('\n').replaceAll('http://localhost:3000', url)
    expect(script).toContain(url)
    const { output, code } = await runInBash(script)
    const faults = output.match(/"error":"[^"]*"/g) ?? []
    expect({ faults, code }).toEqual({ faults: [], code: 0 })
    expect(output.match(/"depositsFound":1,/g)).toHaveLength(2)
    expect(output).toContain('"available":"2820000","pending":"0","escrowed":"6180000"')
    expect(output).toContain('"status":"delivered"')
    expect(output).toContain('"status":"completed"')
    expect(output).toContain('"available":"6000000","pending":"0","escrowed":"0"')
    expect(output).toContain('"message":"Withdrawal address set"')
    expect(output).toContain('"status":"confirmed"')
    expect(output).toMatch(/^5\.9$/m)
    expect(output).toContain('Everything is in order.')
  },
  RUN_MS,
)

/** A reader's, with nothing configured. */
function plainEnv(): NodeJS.ProcessEnv {
  const ours = /^(SOUK_|SOLANA_|DATABASE_URL$|HOST$|PORT$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

async function announced({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error('the server has no output')
  for await (const line of createInterface({ input: stdout })) {
    const found = /^Souk is ready at (\S+)$/.exec(line)?.[1]
    if (!found) continue
    stdout.resume()
    return found
  }
  throw new Error('the server did not start')
}

/** As a reader would paste it: every line is run when it is complete; the first one that fails ends it. */
function runInBash(script: string): Promise<{ output: string; code: number | null }> {
  const bash = spawn('bash', ['-eu'], {
    cwd: ROOT,
    env: { ...plainEnv(), SOUK_URL: url, SOUK_DATA_DIR: dataDir },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
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
