import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { importsOf, ROOT, sourcesUnder } from './sources.ts'

/** What is made from the wire's description is as long as the wire is wide. */
const MADE = 'sdk/src/wire.ts'
const code = ['server/src', 'devchain/src', 'cli/src', 'sdk/src']
  .flatMap((folder) => sourcesUnder(folder))
  .filter(({ path }) => path !== MADE)
const MAX_LINES = 300

/** A phrase that must not stand in the code, where it may after all, and what to write instead. */
const BANNED: readonly { phrase: RegExp; instead: string; except?: RegExp }[] = [
  { phrase: /\b(TODO|FIXME|XXX|HACK)\b/, instead: 'do it, or say in the docs what is missing' },
  { phrase: /\bparseFloat\(/, instead: 'bigint micro-units' },
  {
    phrase: /process\.env/,
    instead: 'the configuration',
    except: /platform\/config\/|devchain\/|cli\/|strangers-schema\//,
  },
  { phrase: /Math\.random\(/, instead: 'node:crypto' },
  { phrase: /\bconsole\./, instead: 'the log', except: /^(cli|devchain)\// },
  {
    phrase: /(?<![.\w])(now\(\)|current_timestamp)(?!\s*[:=]|\s*=>)/,
    instead: 'tx.now',
    except: /platform\/|main\/|devchain\//,
  },
]

describe('manners', () => {
  test.each(BANNED)('$phrase is not written: use $instead', ({ phrase, except }) => {
    const guilty = code.filter(({ path, text }) => phrase.test(text) && !except?.test(path))
    expect(guilty.map(({ path }) => path)).toEqual([])
  })

  test(`no file is longer than ${MAX_LINES} lines`, () => {
    const long = code.filter(({ text }) => text.split('\n').length > MAX_LINES + 1)
    expect(long.map(({ path }) => path)).toEqual([])
  })

  test('SQL is written in stores, and in the platform that runs it', () => {
    const writers = code.filter((source) => importsOf(source).includes('sql-template-tag'))
    const allowed =
      /\/store\.ts$|\/store\/|^server\/src\/platform\/|ledger\/rollup\.ts$|main\/installation\.ts$|-store\.ts$/
    expect(writers.map(({ path }) => path).filter((path) => !allowed.test(path))).toEqual([])
  })

  test('every table has one owner', () => {
    const owners = new Map<string, Set<string>>()
    for (const { path, text } of sourcesUnder('server/src/modules')) {
      const module = path
        .split('/')
        .slice(3, path.includes('/trades/') ? 5 : 4)
        .join('/')
      for (const [, table = ''] of text.matchAll(
        /(?:insert into|update|delete from)\s+([a-z_]+)\b(?=\s*(?:\(|set\b|where\b|\n))/g,
      )) {
        owners.set(table, (owners.get(table) ?? new Set()).add(module))
      }
    }
    const shared = [...owners]
      .filter(([, modules]) => modules.size > 1)
      .map(([table, modules]) => `${table}: ${[...modules]}`)
    expect(shared).toEqual([])
  })

  test('every module and workspace has a README of its own', () => {
    const modules = readdirSync(`${ROOT}server/src/modules`).filter((name) => name !== 'trades')
    const trades = readdirSync(`${ROOT}server/src/modules/trades`).map((name) => `trades/${name}`)
    const homes = [...[...modules, ...trades].map((name) => `server/src/modules/${name}`), 'devchain', 'cli', 'sdk']
    expect(homes.filter((home) => !existsSync(`${ROOT}${home}/README.md`))).toEqual([])
  })

  test('names say what a thing is: no utils, helpers, common or manager', () => {
    const vague = code.filter(({ path }) => /(^|\/)(utils?|helpers?|common|managers?|misc)(\/|\.ts$)/.test(path))
    expect(vague.map(({ path }) => path)).toEqual([])
  })

  test('migrations say on their first line what they are for', () => {
    const files = readdirSync(`${ROOT}server/migrations`).map((name) => `${ROOT}server/migrations/${name}`)
    expect(files.filter((file) => !readFileSync(file, 'utf8').startsWith('-- '))).toEqual([])
  })
})
