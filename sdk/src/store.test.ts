import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileStore } from './file-store.ts'
import { memoryStore, type PurchaseStore, type TextStorage, webStore } from './store.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'souk-store-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** As browsers have it. */
function textStorage(): TextStorage {
  const texts = new Map<string, string>()
  return { getItem: (key) => texts.get(key) ?? null, setItem: (key, text) => void texts.set(key, text) }
}

const STORES: [string, () => PurchaseStore][] = [
  ['memory', memoryStore],
  ['web', () => webStore({ storage: textStorage() })],
  ['file', () => fileStore(join(folder, crypto.randomUUID()))],
]

describe.each(STORES)('%s', (_, open) => {
  test('keeps a text under its key, and changes it only for who knows what stands there', async () => {
    const store = open()
    expect(await store.read('a')).toBe(null)
    expect(await store.swap('a', { from: 'nothing', to: 'one' })).toBe(false)
    expect(await store.swap('a', { from: null, to: 'one' })).toBe(true)
    expect(await store.swap('a', { from: null, to: 'two' })).toBe(false)
    expect(await store.swap('a', { from: 'one', to: 'two' })).toBe(true)
    expect(await store.swap('a', { from: 'one', to: 'three' })).toBe(false)
    expect([await store.read('a'), await store.read('b')]).toEqual(['two', null])
  })

  test('of many that are after one place at once, one succeeds, and what it put there stands', async () => {
    const store = open()
    let stands: string | null = null
    for (let round = 0; round < 5; round++) {
      const tries = Array.from({ length: 20 }, (_, n) => ({ from: stands, to: `${round}:${n}` }))
      const taken = await Promise.all(tries.map((each) => store.swap('a/../b', each)))
      expect(taken.filter(Boolean)).toHaveLength(1)
      stands = tries[taken.indexOf(true)]?.to ?? null
      expect(await store.read('a/../b')).toBe(stands)
    }
  })
})

describe('the file store', () => {
  test('is there for the next process, readable by its owner alone, and holds one version', async () => {
    const home = join(folder, 'home')
    const texts = ['one', 'two', 'three']
    for (const [index, to] of texts.entries()) await fileStore(home).swap('key', { from: texts[index - 1] ?? null, to })
    expect(await fileStore(home).read('key')).toBe('three')
    const [place = ''] = await readdir(home)
    expect(await readdir(join(home, place))).toEqual(['3.json'])
    expect((await stat(join(home, place, '3.json'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(home, place))).mode & 0o777).toBe(0o700)
  })

  test('what a death leaves behind is neither read nor in the way', async () => {
    const home = join(folder, 'dead')
    const store = fileStore(home)
    await store.swap('key', { from: null, to: 'one' })
    const [place = ''] = await readdir(home)
    await writeFile(join(home, place, 'half.tmp'), 'ha')
    // Died after the new version had its name, and before the old one was gone.
    await writeFile(join(home, place, '2.json'), 'two')
    expect(await store.read('key')).toBe('two')
    expect(await store.swap('key', { from: 'two', to: 'three' })).toBe(true)
    expect(await readFile(join(home, place, '3.json'), 'utf8')).toBe('three')
    expect((await readdir(join(home, place))).filter((name) => name.endsWith('.json'))).toEqual(['3.json'])
  })

  test('what cannot be read is an error, and never passes for an empty place', async () => {
    const home = join(folder, 'broken')
    await writeFile(home, 'a file where the folder should be')
    await expect(fileStore(home).read('key')).rejects.toThrow(/ENOTDIR/)
  })
})

test('the web store asks for the lock that all tabs share', async () => {
  const asked: string[] = []
  const locks = {
    request: <T>(name: string, work: () => Promise<T>) => {
      asked.push(name)
      return work()
    },
  }
  const store = webStore({ storage: textStorage(), locks, prefix: 'p:' })
  expect(await store.swap('key', { from: null, to: 'one' })).toBe(true)
  expect([asked, await store.read('key')]).toEqual([['p:key'], 'one'])
})
