// The door behind every npm script. Runs on the system's Node (20.19 or newer) with nothing installed: installs what is
// missing, finds the pinned Node and starts the right program with it.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild } from './run/child.mjs'
import { ensureInstalled, InstallError } from './run/install.mjs'
import { findPinnedNode } from './run/pinned-node.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const VITEST = 'node_modules/vitest/vitest.mjs'
const LEASH = new URL('./run/leash.mjs', import.meta.url).href

/** name → what the pinned Node is given. `leads` programs have a process group of their own. */
const COMMANDS = {
  start: { args: ['--import', LEASH, 'server/src/main/server.ts'], leads: true },
  dev: { args: ['--watch', '--watch-preserve-output', 'server/src/main/server.ts'], leads: true },
  test: { args: [VITEST, 'run'] },
  'test:long': { args: [VITEST, 'run'], env: { SOUK_TEST_LONG: '1' } },
  bench: { args: ['server/tests/load/bench.ts'] },
  demo: { args: ['tools/demo.ts'] },
  souk: { args: ['cli/src/souk.ts'] },
}

/** The steps of `npm run check`: all are run, so that one run tells everything. */
const CHECKS = [
  ['types', ['node_modules/typescript/bin/tsc']],
  ['lint and format', ['node_modules/@biomejs/biome/bin/biome', 'check']],
  ['promises', ['node_modules/oxlint/bin/oxlint', '--type-aware']],
  ['boundaries', [VITEST, 'run', '--passWithNoTests', 'server/tests/tidy']],
]

async function main([name = '', ...extra]) {
  const command = COMMANDS[name]
  if (!command && name !== 'check') {
    console.error(`usage: node tools/run.mjs ${[...Object.keys(COMMANDS), 'check'].join('|')} [arguments]`)
    return 2
  }
  await ensureInstalled(root)
  const node = findPinnedNode(root)
  if (name === 'check') return check(node)
  const { args, env, leads } = command
  // The command line is used from anywhere; everything else is at home in the repository.
  const cwd = name === 'souk' ? process.cwd() : root
  const [program, ...rest] = args.map((arg) => (existsSync(join(root, arg)) ? join(root, arg) : arg))
  return runChild(node, [program, ...rest, ...extra], { cwd, env, leads })
}

function check(node) {
  const results = CHECKS.map(([title, args]) => {
    console.log(`\n── ${title}`)
    const from = performance.now()
    const { status } = spawnSync(node, args, { cwd: root, stdio: 'inherit' })
    return { title, ok: status === 0, seconds: (performance.now() - from) / 1000 }
  })
  console.log()
  for (const { title, ok, seconds } of results) {
    console.log(`${ok ? 'ok    ' : 'FAILED'}  ${title} (${seconds.toFixed(1)} s)`)
  }
  return results.every(({ ok }) => ok) ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof InstallError)) throw error
  console.error(`\n${error.message}`)
  process.exitCode = 1
}
