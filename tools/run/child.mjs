import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { watchNpm } from './parents.mjs'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** Ctrl-C under npm reaches us twice, from the terminal and from npm. A person's second Ctrl-C takes longer. */
const ECHO_MS = 1000

/**
 * Runs a program to its end, passes signals on, and gives its exit code (128 + n when signal n ended it). One that `leads`
 * a process group of its own hears only us: each signal once, however many of those above us hear it too. The others
 * share ours, so the terminal's Ctrl-C is not repeated to them.
 */
export function runChild(program, args, { cwd, env = {}, leads = false }) {
  const apart = leads && process.platform !== 'win32'
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: apart,
    stdio: leads ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
  })
  const heardAt = new Map()
  const pass = (signal) => {
    if (!apart && signal === 'SIGINT' && process.stdin.isTTY) return
    const before = heardAt.get(signal) ?? Number.NEGATIVE_INFINITY
    if (performance.now() - before < ECHO_MS) return
    heardAt.set(signal, performance.now())
    child.kill(signal)
  }
  for (const signal of SIGNALS) process.on(signal, pass)
  watchNpm(() => {
    if (heardAt.size === 0) pass('SIGTERM')
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      for (const each of SIGNALS) process.off(each, pass)
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}
