/** The longest path of a Unix socket the kernel takes, less the closing zero: Linux 108, macOS 104. */
const SOCKET_PATH_BYTES = process.platform === 'darwin' ? 103 : 107

/** Durable, and sized for a small machine: two cores, a few gigabytes, several server processes. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  max_connections: '200',
  shared_buffers: '256MB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_wal_size: '1GB',
  wal_compression: 'on',
  // Queries are short; compiling them costs more than it saves.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  log_line_prefix: '%m [%p] ',
  // Every test drops databases; nobody needs to read of each checkpoint.
  log_checkpoints: 'off',
}

/** The command line of a postmaster on the cluster. */
export function postmasterArguments(clusterDir: string, port: number): string[] {
  const settings = { ...SETTINGS, unix_socket_directories: socketDirectories(clusterDir) }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', clusterDir, '-p', String(port), ...flags]
}

/** The cluster's own folder, as a quoted list of one; none when the socket's path would be too long for the kernel. */
export function socketDirectories(clusterDir: string): string {
  const longest = Buffer.byteLength(`${clusterDir}/.s.PGSQL.65535`)
  return longest > SOCKET_PATH_BYTES || clusterDir.includes('"') ? '' : `"${clusterDir}"`
}
