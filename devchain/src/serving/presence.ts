import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Who serves a data folder, and where. */
export interface Presence {
  readonly pid: number
  readonly port: number
  readonly rpcUrl: string
  readonly genesisHash: string
}

/** Asks whoever answers at a URL for its genesis hash. */
export type AskGenesisHash = (rpcUrl: string) => Promise<string>

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

/** The ports to try in turn: the one asked for, else the one served last time, so that clients outlive a restart. */
export async function portsToTry({
  dataDir,
  port,
}: {
  readonly dataDir: string | null
  readonly port: number
}): Promise<number[]> {
  if (port !== 0) return [port]
  if (dataDir === null) return [0]
  const text = await readFile(join(dataDir, LAST_PORT_FILE), 'utf8').catch(() => '')
  return /^\d{1,5}$/.test(text) ? [Number(text), 0] : [0]
}

/** The chain that serves this folder right now, proven by its answer; a stale file yields null. */
export async function livePresence(dataDir: string, askGenesisHash: AskGenesisHash): Promise<Presence | null> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => null)
  if (text === null) return null
  try {
    const presence = JSON.parse(text) as Presence
    return (await askGenesisHash(presence.rpcUrl)) === presence.genesisHash ? presence : null
  } catch {
    return null
  }
}

async function replaceFile(path: string, content: string): Promise<void> {
  const draft = `${path}.${process.pid}`
  await writeFile(draft, content)
  await rename(draft, path)
}
