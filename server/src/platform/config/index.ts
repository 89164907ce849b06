import { resolve } from 'node:path'
import ipaddr from 'ipaddr.js'
import { ConfigError } from './config-error.ts'
import { Environment, type Name, type Variables } from './env.ts'
import { type EvmConfig, readEvm } from './evm.ts'
import { type Limits, limits, standardLimits } from './limits.ts'
import { type Market, market, standardMarket } from './market.ts'
import {
  bearerKey,
  masterSecret,
  masterSecretFile,
  oneOf,
  origin,
  trustedProxies,
  urlOf,
  urlsOf,
  wholeNumber,
} from './parsers.ts'
import { readSolana, type SolanaConfig } from './solana.ts'

export { ConfigError } from './config-error.ts'
export { ensureDataDir } from './data-dir.ts'
export type { EvmConfig } from './evm.ts'
export type { LimitOverride, Limits } from './limits.ts'
export type { Market } from './market.ts'
export { deriveKey, loadSecrets, type Secrets } from './secrets.ts'
export type { SolanaConfig } from './solana.ts'

/** How the server was told to run. Frozen through and through. Holds secrets: never log it whole. */
export interface Config {
  readonly mode: 'sandbox' | 'live'
  /** `mode === 'live'` */
  readonly live: boolean
  readonly role: 'all' | 'web' | 'worker'
  readonly http: HttpConfig
  /** Absolute. */
  readonly dataDir: string
  /** Null: the embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | null
  /** What the environment gives of them; `loadSecrets` has the rest. */
  readonly secrets: { readonly masterSecret: string | null; readonly operatorKey: string | null }
  readonly solana: SolanaConfig
  /** Null: this market does without. */
  /** Null: our own facilitator. */
  readonly facilitatorUrl: string | null
  readonly evm: EvmConfig | null
  /** Other markets whose resources are found and bought here too: URLs of theirs or of their lists. */
  readonly bazaarSources: readonly string[]
  readonly limits: Limits
  readonly logLevel: LogLevel
  readonly market: Market
}

export interface HttpConfig {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Whether only this machine can reach `host`. */
  readonly loopback: boolean
  /** The public address when one is set; `publicUrl` knows the default. */
  readonly url: string | null
  /** Whose `X-Forwarded-For` is believed, as Fastify's `trustProxy` takes it. */
  readonly trustProxy: false | number | readonly string[]
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

const OPERATOR_KEY_LENGTH_MIN = 32

/** Reads and checks the environment. Throws a ConfigError that names every fault. */
export function readConfig(variables: Variables = process.env): Config {
  const env = new Environment(variables)
  const mode = env.read('SOUK_MODE', 'sandbox', oneOf('sandbox', 'live'))
  const live = mode === 'live'
  const allowTestnet = env.read('SOUK_ALLOW_TESTNET', 'no', oneOf('no', 'yes')) === 'yes'
  const config: Config = {
    mode,
    live,
    role: env.read('SOUK_ROLE', 'all', oneOf('web', 'worker', 'all')),
    http: readHttp(env),
    dataDir: resolve(env.text('SOUK_DATA_DIR') ?? 'data'),
    databaseUrl: env.read(
      'DATABASE_URL',
      null,
      urlOf(['postgres', 'postgresql'], 'postgres://souk:secret@db:5432/souk'),
    ),
    secrets: {
      masterSecret: readMasterSecret(env),
      operatorKey: env.read('SOUK_OPERATOR_KEY', null, bearerKey(live ? OPERATOR_KEY_LENGTH_MIN : 1)),
    },
    solana: readSolana(env, { live, allowTestnet }),
    facilitatorUrl: env.read(
      'X402_FACILITATOR_URL',
      null,
      urlOf(['https', 'http'], 'https://facilitator.example.com/'),
    ),
    evm: readEvm(env, { live, allowTestnet }),
    bazaarSources: env.read('BAZAAR_SOURCES', [], urlsOf(live ? ['https'] : ['https', 'http'])),
    limits: env.read('SOUK_LIMITS', standardLimits, limits),
    logLevel: env.read('LOG_LEVEL', 'info', oneOf('trace', 'debug', 'warn', 'error', 'fatal', 'silent', 'info')),
    market: env.read('SOUK_MARKET', standardMarket, market),
  }
  if (live) checkLive(env, config)
  if (env.faults.length > 0) throw new ConfigError(env.faults)
  return deepFreeze(config)
}

/** The server's public address, without a slash at the end. `port` is the one it listens on. */
export function publicUrl(config: Config, port: number): string {
  return config.http.url ?? `http://localhost:${port}`
}

/** Whether whoever starts the server looks for the place of a fault; asked even when the rest cannot be read. */
export function isDetailWanted(variables: Variables = process.env): boolean {
  return ['debug', 'trace'].includes(variables['LOG_LEVEL'] ?? '')
}

function readHttp(env: Environment): HttpConfig {
  const host = env.text('HOST') ?? '127.0.0.1'
  return {
    host,
    port: env.read('PORT', 3000, wholeNumber(0, 65_535, 3000)),
    loopback: isLoopback(host),
    url: env.read('SOUK_URL', null, origin),
    trustProxy: env.read('SOUK_TRUST_PROXY', false, trustedProxies),
  }
}

function readMasterSecret(env: Environment): string | null {
  const fromFile = env.read('SOUK_MASTER_SECRET_FILE', null, masterSecretFile)
  if (env.text('SOUK_MASTER_SECRET') && env.text('SOUK_MASTER_SECRET_FILE')) {
    env.fault('SOUK_MASTER_SECRET', 'is set beside SOUK_MASTER_SECRET_FILE; set one', masterSecret.example)
  }
  return env.read('SOUK_MASTER_SECRET', fromFile, masterSecret)
}

/** What the sandbox makes by itself, live mode must be given. */
function checkLive(env: Environment, config: Config): void {
  const demand = (name: Name, given: boolean, example: string) => {
    if (!given) env.fault(name, 'is required in live mode', example)
  }
  demand('DATABASE_URL', env.text('DATABASE_URL') !== null, 'postgres://souk:secret@db:5432/souk')
  demand('SOUK_OPERATOR_KEY', env.text('SOUK_OPERATOR_KEY') !== null, '$(openssl rand -hex 32)')
  const hasSecret = env.text('SOUK_MASTER_SECRET') ?? env.text('SOUK_MASTER_SECRET_FILE')
  demand('SOUK_MASTER_SECRET', hasSecret !== null, '$(openssl rand -hex 32)')
  demand('SOLANA_RPC_URL', env.text('SOLANA_RPC_URL') !== null, 'https://solana-rpc.example.com/')
  demand('EVM_RPC_URL', env.text('EVM_RPC_URL') !== null, 'https://base-rpc.example.com/')
  demand('SOUK_URL', env.text('SOUK_URL') !== null, origin.example)
  if (config.http.url?.startsWith('http:')) env.fault('SOUK_URL', 'must be https in live mode', origin.example)
  if (!config.limits.enabled) env.fault('SOUK_LIMITS', 'cannot be off in live mode', 'on')
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback')
}

function deepFreeze<T extends object>(value: T): T {
  for (const each of Object.values(value)) {
    if (typeof each === 'object' && each !== null && !Object.isFrozen(each)) deepFreeze(each)
  }
  return Object.freeze(value)
}
