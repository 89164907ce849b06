import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigError, deriveKey, loadSecrets, readConfig } from './index.ts'

let folder: string
let dataDir: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'souk-secrets-'))
  dataDir = join(folder, 'data')
})

afterEach(() => rmSync(folder, { recursive: true }))

test('the sandbox makes its secrets once and keeps them to itself', async () => {
  const first = await loadSecrets(sandbox())
  const second = await loadSecrets(sandbox())
  expect(first).toMatchObject({ made: true })
  expect(first.masterSecret).toHaveLength(32)
  expect(first.operatorKey).toMatch(/^op_[0-9a-f]{48}$/)
  expect(second).toEqual({ ...first, made: false })
  expect(statSync(dataDir).mode & 0o777).toBe(0o700)
  expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600)
  expect(readdirSync(dataDir)).toEqual(['secrets.json'])
})

test('a file that others may read is closed again', async () => {
  await loadSecrets(sandbox())
  chmodSync(join(dataDir, 'secrets.json'), 0o644)
  await loadSecrets(sandbox())
  expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600)
})

test('processes that start at once agree on one set of secrets', async () => {
  const script = `
    import { loadSecrets, readConfig } from ${JSON.stringify(fileURLToPath(new URL('index.ts', import.meta.url)))}
    const { operatorKey, made } = await loadSecrets(readConfig({ SOUK_DATA_DIR: process.argv[1] }))
    console.log(operatorKey, made)`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script, dataDir])
  const answers = (await Promise.all([run(), run(), run()])).map(({ stdout }) => stdout.trim().split(' '))
  expect(new Set(answers.map(([key]) => key)).size).toBe(1)
  expect(answers.filter(([, made]) => made === 'true')).toHaveLength(1)
})

test('what the environment gives comes first', async () => {
  const given = { SOUK_MASTER_SECRET: 'cd'.repeat(32), SOUK_OPERATOR_KEY: 'my-key' }
  const secrets = await loadSecrets(sandbox(given))
  expect(secrets).toEqual({ masterSecret: Buffer.alloc(32, 0xcd), operatorKey: 'my-key', made: false })
  expect(readdirSync(folder)).toEqual([])
  expect((await loadSecrets(sandbox({ SOUK_OPERATOR_KEY: 'my-key' }))).operatorKey).toBe('my-key')
})

test('a broken file is never replaced: wallets hang on it', async () => {
  await loadSecrets(sandbox())
  writeFileSync(join(dataDir, 'secrets.json'), '{}')
  await expect(loadSecrets(sandbox())).rejects.toThrow(ConfigError)
})

test('keys differ by purpose and by master, and last', () => {
  const master = Buffer.alloc(32, 1)
  const hex = (key: Uint8Array) => Buffer.from(key).toString('hex')
  expect(hex(deriveKey(master, 'receipts'))).toBe('2521155b325043ca99bcd25e4352fac760ff0dd18ed7cb0f6f071c350993990d')
  expect(hex(deriveKey(master, 'receipts'))).not.toBe(hex(deriveKey(master, 'sealing')))
  expect(hex(deriveKey(master, 'receipts'))).not.toBe(hex(deriveKey(Buffer.alloc(32, 2), 'receipts')))
  expect(deriveKey(master, 'receipts', 64)).toHaveLength(64)
})

function sandbox(variables: Record<string, string> = {}) {
  return readConfig({ SOUK_DATA_DIR: dataDir, ...variables })
}
