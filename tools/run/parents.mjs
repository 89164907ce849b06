import { readFileSync } from 'node:fs'

const POLL_MS = 300

/**
 * Calls `lost` once when the npm that started us is gone. A signal to npm ends npm and the shell between us, and tells us
 * nothing: without this, `kill` on `npm start` would leave the server running. Started by anything else, we may outlive it.
 */
export function watchNpm(lost) {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const above = isShell(parent) ? parentOf(parent) : null
  const timer = setInterval(() => {
    if (process.ppid === parent && (above === null || parentOf(parent) === above)) return
    clearInterval(timer)
    lost()
  }, POLL_MS)
  timer.unref()
}

/** `sh -c <script>`, which npm puts between itself and us. */
function isShell(pid) {
  return read(`/proc/${pid}/cmdline`)?.split('\0')[1] === '-c'
}

function parentOf(pid) {
  // The second field is the command in parentheses and may hold anything, so count from its end.
  const stat = read(`/proc/${pid}/stat`)
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
