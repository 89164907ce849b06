import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { InstallError } from './install.mjs'

const OLDEST_MAJOR = 24

/** The Node that package.json pins: the server is TypeScript, which the system's Node may be too old to run. */
export function findPinnedNode(root) {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  const places = ['node', `node-${platform}-${process.arch}`, `node/node_modules/node-${platform}-${process.arch}`]
  const found = places.map((place) => join(root, 'node_modules', place, file)).find((path) => existsSync(path))
  if (found) return found
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) return process.execPath
  throw new InstallError(
    `Node.js ${OLDEST_MAJOR}, which Souk runs on, was not installed: npm's install scripts seem to be off. ` +
      `Run \`npm rebuild node --ignore-scripts=false\`, or use Node.js ${OLDEST_MAJOR} yourself.`,
  )
}
