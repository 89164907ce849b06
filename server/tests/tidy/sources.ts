import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Source {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** TypeScript under a folder of the repository, tests left out unless asked for. */
export function sourcesUnder(folder: string, { tests = false } = {}): Source[] {
  return readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules/'))
    .filter((path) => tests || !/\.test\.ts$|\/test-world\.ts$/.test(path))
    .map((path) => ({ path, text: readFileSync(ROOT + path, 'utf8') }))
}

/** What a file imports, as it is written. */
export function importsOf({ text }: Source): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target = '']) => target)
}
