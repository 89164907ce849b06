import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { allRefusals } from '#kernel/refusal'
import { ROOT, sourcesUnder } from './sources.ts'

const SKIPPED = /(^|\/)(node_modules|data|coverage)(\/|$)|(^|\/)\./

describe('docs/refusals.md', () => {
  beforeAll(async () => {
    const defining = sourcesUnder('server/src').filter(({ text }) => text.includes('defineRefusals('))
    for (const { path } of defining) await import(ROOT + path)
  })

  test('says what the code says; `npm test -- server/tests/tidy/docs.test.ts -u` writes it anew', async () => {
    await expect(refusalsPage()).toMatchFileSnapshot(`${ROOT}docs/refusals.md`)
  })

  test('every refusal says what went wrong and what to do', () => {
    const mute = Object.entries(allRefusals()).filter(([, [, message, fix]]) => message === '' || fix === '')
    expect(mute.map(([code]) => code)).toEqual([])
  })
})

describe('our markdown', () => {
  const files = markdownUnder(ROOT)

  test.each(files)('%s links to what exists', (file) => {
    const text = withoutCode(readFileSync(ROOT + file, 'utf8'))
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    expect(targets.filter((target) => isBroken(file, target))).toEqual([])
  })

  test('the decisions are numbered without holes and dated', () => {
    const names = readdirSync(`${ROOT}docs/decisions`).sort()
    expect(names.map((name) => Number.parseInt(name, 10))).toEqual(names.map((_, index) => index + 1))
    const undated = names.filter(
      (name) => !/^\d{4}-\d\d-\d\d, /m.test(readFileSync(`${ROOT}docs/decisions/${name}`, 'utf8')),
    )
    expect(undated).toEqual([])
  })

  test('the table of floors in ARCHITECTURE.md is the one that is held', () => {
    const [, held = ''] = /const FLOORS[^{]*\{([^}]*)\}/.exec(read('server/tests/tidy/floors.test.ts')) ?? []
    const floors = [...held.matchAll(/(\w+): \[([^\]]*)\]/g)].map(([, floor = '', names = '']) => [
      floor,
      wordsIn(names),
    ])
    const told = [...read('ARCHITECTURE.md').matchAll(/^\| (`[^|]*) \| ([^|]*) \|$/gm)].flatMap(
      ([, left = '', right = '']) => wordsIn(left).map((floor) => [floor, wordsIn(right)]),
    )
    expect(Object.fromEntries(told)).toMatchObject(Object.fromEntries(floors))
  })

  test('every dependency has a row in the decision about dependencies', () => {
    const table = readFileSync(`${ROOT}docs/decisions/013-dependencies.md`, 'utf8')
    const missing = ['', 'server/', 'devchain/', 'cli/', 'sdk/']
      .flatMap(dependenciesOf)
      .filter((name) => !isNamed(table, name))
    expect(missing).toEqual([])
  })

  test('every variable of the environment stands in the guide to self-hosting', () => {
    const guide = readFileSync(`${ROOT}docs/guides/self-host.md`, 'utf8')
    const [, names = ''] = /const NAMES = \[([^\]]*)\]/.exec(read('server/src/platform/config/env.ts')) ?? []
    const known = [...names.matchAll(/'([A-Z_]+)'/g)].map(([, name = '']) => name)
    expect(known.length).toBeGreaterThan(10)
    expect(known.filter((name) => !guide.includes(`\`${name}\``))).toEqual([])
  })
})

/** Codes in order, each under a heading of its own, so that it can be linked to. */
function refusalsPage(): string {
  const statuses = statusOfKinds()
  // Other tests in this worker may have catalogues of their own: only what the product's source defines is told.
  const defining = sourcesUnder('server/src').map(({ text }) => text)
  const ours = ([code]: [string, unknown]) => defining.some((text) => text.includes(` ${code}: [`))
  const entries = Object.entries(allRefusals())
    .filter(ours)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const sections = entries.map(
    ([code, [kind, message, fix]]) => `## ${code}\n\n${statuses.get(kind)} \`${kind}\`: ${message}.\n\n${fix}\n`,
  )
  return `# Refusals

Every error answer carries \`code\`, \`error\` (what went wrong), \`fix\` (what to do) and \`request_id\`. Codes never change their meaning; sentences
may improve. \`{words}\` in braces are filled in, and stand beside as fields. This page is made from the code by
\`server/tests/tidy/docs.test.ts\`.

${sections.join('\n')}`
}

/** The table by which HTTP shows kinds, read from where it stands. */
function statusOfKinds(): Map<string, string> {
  const [, rows = ''] = /const STATUS: [^=]*= \{([^}]*)\}/.exec(read('server/src/platform/http/refusals.ts')) ?? []
  return new Map([...rows.matchAll(/(\w+): (\d{3})/g)].map(([, kind = '', status = '']) => [kind, status]))
}

function isBroken(file: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return false
  const [path = '', anchor] = target.split('#')
  const there = path === '' ? file : relative(ROOT, join(ROOT, dirname(file), path))
  if (!existsSync(ROOT + there)) return true
  return anchor !== undefined && there.endsWith('.md') && !anchorsOf(read(there)).has(anchor)
}

/** As forges make them: lower case, words joined by hyphens, punctuation gone. */
function anchorsOf(text: string): Set<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''))
}

function markdownUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = relative(ROOT, join(folder, entry.name))
    if (SKIPPED.test(path)) return []
    if (entry.isDirectory()) return markdownUnder(join(folder, entry.name))
    return path.endsWith('.md') ? [path] : []
  })
}

/** What stands in quotes or backticks. */
function wordsIn(text: string): string[] {
  return [...text.matchAll(/['`]([a-z]+)['`]/g)].map(([, word = '']) => word)
}

function dependenciesOf(workspace: string): string[] {
  const {
    dependencies = {},
    devDependencies = {},
    optionalDependencies = {},
  } = JSON.parse(read(`${workspace}package.json`))
  return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
}

/** By its own name, or as one of `@scope/*`; our own workspaces need no reason. */
function isNamed(table: string, name: string): boolean {
  const family = `${name.split('/')[0]}/*`
  return name.startsWith('@souk/') || table.includes(`\`${name}\``) || table.includes(`\`${family}\``)
}

function read(path: string): string {
  return readFileSync(ROOT + path, 'utf8')
}
