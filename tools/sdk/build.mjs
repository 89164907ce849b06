// Makes `sdk/dist`, a package that runs wherever there is JavaScript: `npm publish sdk/dist`.
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DIST = `${ROOT}sdk/dist`

rmSync(DIST, { recursive: true, force: true })
const tsc = [`${ROOT}node_modules/typescript/bin/tsc`, '-p', `${ROOT}sdk/tsconfig.build.json`]
const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
const {
  private: _private,
  exports,
  scripts: _scripts,
  ...about
} = JSON.parse(readFileSync(`${ROOT}sdk/package.json`, 'utf8'))
const built = Object.entries(exports).map(([name, source]) => {
  const path = source.replace('./src/', './').replace(/\.ts$/, '')
  return [name, { types: `${path}.d.ts`, default: `${path}.js` }]
})
writeFileSync(`${DIST}/package.json`, `${JSON.stringify({ ...about, exports: Object.fromEntries(built) }, null, 2)}\n`)
for (const [from, name] of [
  ['sdk/README.md', 'README.md'],
  ['LICENSE', 'LICENSE'],
])
  copyFileSync(ROOT + from, `${DIST}/${name}`)
