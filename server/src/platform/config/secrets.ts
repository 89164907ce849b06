import { hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { ConfigError } from './config-error.ts'
import { ensureDataDir } from './data-dir.ts'
import type { Config } from './index.ts'

export interface Secrets {
  /** The seed of everything else: take keys from it by `deriveKey`, never use it itself. */
  readonly masterSecret: Uint8Array
  readonly operatorKey: string
  /** Whether they were made just now, by this start. */
  readonly made: boolean
}

const StoredSecrets = Type.Object({
  masterSecret: Type.String({ pattern: '^([0-9a-f]{2}){32,}$' }),
  operatorKey: Type.String({ minLength: 1 }),
})

/**
 * The master secret and the operator's key: from the configuration, and in the sandbox, for what it leaves out, from
 * `<dataDir>/secrets.json`, made at the first start. Processes that start at once agree on one file.
 */
export async function loadSecrets(config: Pick<Config, 'secrets' | 'live' | 'dataDir'>): Promise<Secrets> {
  const { masterSecret, operatorKey } = config.secrets
  if (masterSecret !== null && operatorKey !== null) {
    return { masterSecret: Buffer.from(masterSecret, 'hex'), operatorKey, made: false }
  }
  if (config.live) throw new ConfigError(['Live mode makes no secrets: set SOUK_MASTER_SECRET and SOUK_OPERATOR_KEY'])
  const path = join(ensureDataDir(config.dataDir), 'secrets.json')
  const made = await makeOnce(path)
  const stored = await readStored(path)
  return {
    masterSecret: Buffer.from(masterSecret ?? stored.masterSecret, 'hex'),
    operatorKey: operatorKey ?? stored.operatorKey,
    made,
  }
}

/** A key for one purpose (HKDF-SHA256). The same master and purpose give the same key for ever. */
export function deriveKey(master: Uint8Array, purpose: string, bytes = 32): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', master, '', `souk/${purpose}`, bytes))
}

/** A link is made whole or not at all, and never over one that is there. True when ours became the file. */
async function makeOnce(path: string): Promise<boolean> {
  if (existsSync(path)) return false
  const secrets = {
    masterSecret: randomBytes(32).toString('hex'),
    operatorKey: `op_${randomBytes(24).toString('hex')}`,
  }
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flush: true })
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft)
  }
}

async function readStored(path: string) {
  await chmod(path, 0o600)
  const text = await readFile(path, 'utf8')
  try {
    return Value.Decode(StoredSecrets, JSON.parse(text))
  } catch {
    throw new ConfigError([
      `${path} is not a file of secrets. Bring back its backup: the deposit wallets are derived from it. ` +
        'To begin anew without them, remove the whole data folder',
    ])
  }
}
