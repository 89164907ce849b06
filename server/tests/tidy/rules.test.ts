import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ROOT } from './sources.ts'

/** PayanAgent's rules. */
const RULES = Array.from({ length: 66 }, (_, index) => `PA-${index + 1}`)

/** Every test's name, wherever tests stand: what is within the first quotes of `test(` and `test.each(…)(`. */
function testNames(): string[] {
  const files = ['server/src', 'server/tests', 'sdk'].flatMap((root) =>
    readdirSync(`${ROOT}${root}`, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.test.ts') && !path.includes('node_modules'))
      .map((path) => `${root}/${path}`),
  )
  return files.flatMap((path) => readFileSync(`${ROOT}${path}`, 'utf8').match(/['`"].*\b[A-Z]{2}-\d+\b.*['`"]/g) ?? [])
}

test('every rule of PayanAgent’s contract stands in the name of a test', () => {
  const told = testNames().join('\n')
  expect(RULES.filter((rule) => !new RegExp(`\\b${rule}\\b`).test(told))).toEqual([])
})
