import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { callRpc } from './rpc-client.ts'

/** Who serves a data folder, and where. */
export interface Presence {
  readonly pid: number
  readonly port: number
  readonly rpcUrl: string
  readonly genesisHash: string
}

const FILE = 'serving.json'
const LAST_PORT_FILE = 'last-port'

export async function writePresence(dataDir: string | null, presence: Presence): Promise<void> {
  if (dataDir === null) return
  await replaceFile(join(dataDir, LAST_PORT_FILE), String(presence.port))
  await replaceFile(join(dataDir, FILE), JSON.stringify(presence))
}

export async function leavePresence(dataDir: string | null): Promise<void> {
  if (dataDir !== null) await rm(join(dataDir, FILE), { force: true })
}

/** The port served last time: keeping it lets clients outlive a restart. */
export async function lastPort(dataDir: string | null): Promise<number | null> {
  if (dataDir === null) return null
  const text = await readFile(join(dataDir, LAST_PORT_FILE), 'utf8').catch(() => '')
  return /^\d{1,5}$/.test(text) ? Number(text) : null
}

/** The chain that serves this folder right now, proven by its answer; a stale file yields null. */
export async function livePresence(dataDir: string): Promise<Presence | null> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => null)
  if (text === null) return null
  try {
    const presence = JSON.parse(text) as Presence
    const genesisHash = await callRpc<string>(presence.rpcUrl, 'getGenesisHash', [], { timeoutMs: 2000 })
    return genesisHash === presence.genesisHash ? presence : null
  } catch {
    return null
  }
}

async function replaceFile(path: string, content: string): Promise<void> {
  const draft = `${path}.${process.pid}`
  await writeFile(draft, content)
  await rename(draft, path)
}
