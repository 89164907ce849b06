import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PurchaseStore } from './store.ts'

const VERSION = /^(\d{1,15})\.json$/

/**
 * A folder a purchase, a file a version, and the newest stands. A version is written aside, flushed to the disk and then
 * linked to its name, which fails when there is one: so of two processes one wins, and a power cut leaves the old or the new.
 */
export function fileStore(folder: string): PurchaseStore {
  const placeOf = (key: string) => join(folder, createHash('sha256').update(key).digest('hex'))
  return {
    read: async (key) => (await newest(placeOf(key)))?.text ?? null,
    swap: async (key, { from, to }) => {
      const place = placeOf(key)
      const before = await newest(place)
      if ((before?.text ?? null) !== from) return false
      await mkdir(place, { recursive: true, mode: 0o700 })
      const version = (before?.version ?? 0) + 1
      if (!(await putNew(place, { name: nameOf(version), text: to }))) return false
      // Somebody who was further may have tidied our number away; then ours is not the newest, and never was.
      const versions = await versionsIn(place)
      if (versions.some((each) => each > version)) {
        await rm(join(place, nameOf(version)), { force: true })
        return false
      }
      await Promise.all(
        versions.filter((each) => each < version).map((each) => rm(join(place, nameOf(each)), { force: true })),
      )
      if (before === undefined) await Promise.all([flush(folder), flush(dirname(folder))])
      return true
    },
  }
}

interface Kept {
  readonly version: number
  readonly text: string
}

async function newest(place: string): Promise<Kept | undefined> {
  for (;;) {
    const version = Math.max(0, ...(await versionsIn(place)))
    if (version === 0) return undefined
    try {
      return { version, text: await readFile(join(place, nameOf(version)), 'utf8') }
    } catch (error) {
      // A newer one has just taken its place.
      if (!isAbsent(error)) throw error
    }
  }
}

async function versionsIn(place: string): Promise<number[]> {
  const names = await readdir(place).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw error
  })
  return names.flatMap((name) => {
    const [, version] = VERSION.exec(name) ?? []
    return version === undefined ? [] : [Number(version)]
  })
}

function nameOf(version: number): string {
  return `${version}.json`
}

/** Answers false when there is one of this name. */
async function putNew(place: string, { name, text }: { name: string; text: string }): Promise<boolean> {
  const aside = join(place, `${randomUUID()}.tmp`)
  try {
    const file = await open(aside, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(aside, join(place, name))
    await flush(place)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(aside, { force: true })
  }
}

/** A new name lasts only once its folder has been flushed; Windows flushes none and needs none. */
async function flush(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
