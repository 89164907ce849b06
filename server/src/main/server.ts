import { createServer } from 'node:net'
import type { Logger } from 'pino'
import {
  type Config,
  ConfigError,
  isDetailWanted,
  loadSecrets,
  publicUrl,
  readConfig,
  type Secrets,
} from '#platform/config/index'
import { openEmbeddedPostgres } from '#platform/embedded-postgres/index'
import { createLog } from '#platform/log'
import { migrate } from '#platform/migrate'
import { openChains } from './chains.ts'
import { openSouk, type Souk } from './souk.ts'
import { VERSION } from './version.ts'

/** What was started, to be stopped in the opposite order. */
type Closer = { readonly name: string; readonly close: () => Promise<void> }

async function start(): Promise<void> {
  const config = readConfig()
  const secrets = await loadSecrets(config)
  const log = createLog(config.logLevel)
  const closers: Closer[] = []
  stopOnSignal(closers, log)
  try {
    await serve({ config, secrets, log, closers })
  } catch (error) {
    await closeAll(closers, log)
    throw error
  }
}

interface Startup {
  readonly config: Config
  readonly secrets: Secrets
  readonly log: Logger
  readonly closers: Closer[]
}

async function serve({ config, secrets, log, closers }: Startup): Promise<void> {
  const database = await openDatabase(config, closers)
  const { solanaRpcUrl, evmRpcUrl, ports: chainPorts } = await openChains(config, { log, closers })
  const applied = await migrate(database.url)
  if (applied.length > 0) log.info({ migrations: applied }, 'brought the database up to date')
  const port = config.http.port === 0 ? await freePort(config.http.host) : config.http.port
  const ports = [port, ...database.ports, ...chainPorts]
  const souk = await openSouk({
    config,
    secrets,
    log,
    version: VERSION,
    databaseUrl: database.url,
    solanaRpcUrl,
    evmRpcUrl,
    publicUrl: publicUrl(config, port),
    ownPorts: () => ports,
  })
  closers.push({ name: 'the market', close: souk.close })
  await souk.http.listen({ host: config.http.host, port })
  if (config.role !== 'web') souk.sweeper.start()
  await whenReady(souk)
  announce({ config, secrets, url: publicUrl(config, port) })
}

async function openDatabase(config: Config, closers: Closer[]): Promise<{ url: string; ports: number[] }> {
  if (config.databaseUrl !== null)
    return { url: config.databaseUrl, ports: [Number(new URL(config.databaseUrl).port || 5432)] }
  const postgres = await openEmbeddedPostgres({ dataDir: config.dataDir })
  closers.push({ name: 'PostgreSQL', close: postgres.stop })
  return { url: postgres.url, ports: [postgres.port] }
}

const READY_WITHIN_MS = 30_000

async function whenReady({ http }: Souk): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS
  for (;;) {
    const answer = await http.inject('/ready')
    if (answer.statusCode === 200) return
    if (Date.now() > deadline) throw new Error(`not ready: ${answer.body}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function announce({ config, secrets, url }: { config: Config; secrets: Secrets; url: string }): void {
  const lines = [`Souk is ready at ${url}`]
  if (!config.live) {
    lines.push(
      '',
      `  Operator's key: ${secrets.operatorKey}`,
      '',
      '  Try:',
      `    curl -s ${url}/api/v1/auth/register -H 'content-type: application/json' -d '{"name": "my-first-agent"}'`,
      `    curl -s ${url}/api/v1/services/discover`,
      `    npm run demo`,
      '',
    )
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}

function stopOnSignal(closers: Closer[], log: Logger): void {
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    log.info('stopping')
    void closeAll(closers, log).then(() => process.exit(0))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
}

async function closeAll(closers: Closer[], log: Logger): Promise<void> {
  for (let closer = closers.pop(); closer; closer = closers.pop()) {
    const { name, close } = closer
    await close().catch((error: unknown) => log.error({ err: error }, `${name} did not stop cleanly`))
  }
}

/** The public address must be known before anything listens, so a free port is found first. */
function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, host, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

start().catch((error: unknown) => {
  process.stderr.write(`${reasonOf(error)}\n`)
  process.exit(1)
})

/** A sentence an operator can act on; where it happened is told to who looks for it. */
function reasonOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return `Souk cannot start: ${isDetailWanted() && stack ? stack : `${message} (LOG_LEVEL=debug tells more)`}`
}
