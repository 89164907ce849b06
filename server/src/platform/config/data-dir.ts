import { accessSync, constants, mkdirSync, realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * The data folder, made if it is missing, as a real path. The folder itself is private (mode 700); parents made on the
 * way have the ordinary mode, so that the database's own user can pass through them when the server runs as root.
 */
export function ensureDataDir(dataDir: string): string {
  const path = resolve(dataDir)
  try {
    mkdirSync(dirname(path), { recursive: true })
    mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new Error(
      `The data folder ${path} cannot be used by this user (${(error as NodeJS.ErrnoException).code}). Give it to the ` +
        'user who runs Souk (chown -R), or set SOUK_DATA_DIR to another folder, such as SOUK_DATA_DIR=$HOME/souk-data',
    )
  }
  return realpathSync(path)
}
