import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { wireTypes } from '../../../tools/sdk/wire-types.ts'
import { importsOf, ROOT, sourcesUnder } from './sources.ts'

const sources = sourcesUnder('sdk/src')
/** What only Node has lives here, under an entry of its own. */
const NODE_ONLY = 'sdk/src/file-store.ts'

describe('the SDK', () => {
  test('its types are those of server/openapi.json (UPDATE_OPENAPI=1 npm test -- server/tests/openapi.test.ts)', () => {
    const document = JSON.parse(readFileSync(`${ROOT}server/openapi.json`, 'utf8'))
    expect(readFileSync(`${ROOT}sdk/src/wire.ts`, 'utf8') === wireTypes(document)).toBe(true)
  })

  test('it imports its own files and its dependencies, and nothing of the server', () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(`${ROOT}sdk/package.json`, 'utf8'))
    const known = { ...dependencies, ...peerDependencies }
    const foreign = sources.flatMap((source) =>
      importsOf(source)
        // A member called `from` looks like an import as well.
        .filter((target) => /^[\w.@#]/.test(target) && !target.startsWith('./') && !(target in known))
        .filter((target) => !(source.path === NODE_ONLY && target.startsWith('node:')))
        .map((target) => `${source.path} → ${target}`),
    )
    expect(foreign).toEqual([])
  })

  test('it runs in browsers: nothing of Node outside the file store', () => {
    const bound = sources.filter(
      ({ path, text }) => path !== NODE_ONLY && /\b(Buffer|process|require|__dirname)\b[.(]/.test(text),
    )
    expect(bound.map(({ path }) => path)).toEqual([])
  })
})
