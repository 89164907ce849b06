import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, publicUrl, readConfig } from './index.ts'

const SECRET = 'ab'.repeat(32)
const LIVE = {
  SOUK_MODE: 'live',
  SOUK_URL: 'https://souk.example.com/',
  DATABASE_URL: 'postgres://souk:secret@db/souk',
  SOUK_OPERATOR_KEY: 'k'.repeat(32),
  SOUK_MASTER_SECRET: SECRET,
  SOLANA_RPC_URL: 'https://rpc.example.com',
  EVM_RPC_URL: 'https://base.example.com',
}
const MAINNET = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
const DEVNET = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'

describe('the sandbox', () => {
  test('D-24 needs no configuration at all, and takes devnet’s identity', () => {
    const config = readConfig({})
    expect(config).toMatchObject({
      mode: 'sandbox',
      live: false,
      role: 'all',
      http: { host: '127.0.0.1', port: 3000, loopback: true, url: null, trustProxy: false },
      dataDir: resolve('data'),
      databaseUrl: null,
      secrets: { masterSecret: null, operatorKey: null },
      solana: { rpcUrl: null, network: DEVNET, mint: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU', feePayer: null },
      evm: {
        rpcUrl: null,
        network: 'eip155:84532',
        token: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
        domain: { name: 'USDC', version: '2' },
        finality: 'finalized',
      },
      limits: { enabled: true, overrides: {} },
      logLevel: 'info',
    })
    expect(publicUrl(config, 4000)).toBe('http://localhost:4000')
  })

  test('never takes the identity of a network where money is real', () => {
    const mint = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v'
    const faults = faultsOf({ SOLANA_NETWORK: MAINNET, SOLANA_MINT: mint, EVM_CHAIN_ID: '8453' })
    const realToken = faultsOf({ EVM_TOKEN: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' })
    expect(realToken).toEqual([expect.stringContaining('EVM_TOKEN is not USDC of chain 84532')])
    expect(faults).toEqual([
      expect.stringContaining('SOLANA_NETWORK is the main network, and this is a sandbox'),
      expect.stringContaining('SOLANA_MINT is real USDC, and this is a sandbox'),
      expect.stringContaining('EVM_CHAIN_ID is not Base Sepolia, and this is a sandbox'),
    ])
  })
})

describe('live mode', () => {
  test('starts when it is given everything', () => {
    const config = readConfig(LIVE)
    expect(config).toMatchObject({ live: true, solana: { network: MAINNET, rpcUrl: 'https://rpc.example.com' } })
    expect(config.evm).toEqual({
      rpcUrl: 'https://base.example.com',
      chainId: 8453,
      network: 'eip155:8453',
      token: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
      domain: { name: 'USD Coin', version: '2' },
      finality: 'finalized',
      maxFeePerGas: 5_000_000_000n,
    })
    expect(readConfig({ ...LIVE, EVM_FINALITY: '12' }).evm?.finality).toBe(12)
    expect(publicUrl(config, 4000)).toBe('https://souk.example.com')
  })

  test('names everything it misses at once', () => {
    const names = faultsOf({ SOUK_MODE: 'live' }).map((fault) => fault.split(' ')[0])
    expect(names).toEqual([
      'DATABASE_URL',
      'SOUK_OPERATOR_KEY',
      'SOUK_MASTER_SECRET',
      'SOLANA_RPC_URL',
      'EVM_RPC_URL',
      'SOUK_URL',
    ])
  })

  test.each([
    [{ SOUK_OPERATOR_KEY: 'short' }, 'SOUK_OPERATOR_KEY must be at least 32 printable characters'],
    [{ SOUK_MASTER_SECRET: 'abc' }, 'SOUK_MASTER_SECRET must be at least 64 hexadecimal digits'],
    [{ SOUK_URL: 'http://souk.example.com' }, 'SOUK_URL must be https in live mode'],
    [{ SOUK_LIMITS: 'off' }, 'SOUK_LIMITS cannot be off in live mode'],
    [
      { SOLANA_NETWORK: DEVNET },
      'SOLANA_NETWORK is not the main network, which is refused in live mode unless SOUK_ALLO',
    ],
    [{ SOLANA_MINT: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU' }, 'SOLANA_MINT is a test token'],
    [
      { EVM_CHAIN_ID: '84532' },
      'EVM_CHAIN_ID is not Base, which is refused in live mode unless SOUK_ALLOW_TESTNET=yes',
    ],
    [{ EVM_TOKEN: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' }, 'EVM_TOKEN is not USDC of chain 8453'],
  ])('refuses %o', (change, fault) => {
    expect(faultsOf({ ...LIVE, ...change })).toEqual([expect.stringContaining(fault)])
  })

  test('takes a test network when told to', () => {
    const test = { SOLANA_NETWORK: DEVNET, EVM_CHAIN_ID: '84532', SOUK_ALLOW_TESTNET: 'yes' }
    const config = readConfig({ ...LIVE, ...test })
    expect(config.solana.network).toBe(DEVNET)
    expect(config.evm).toMatchObject({ network: 'eip155:84532', domain: { name: 'USDC' } })
  })

  test('does without EVM when told to', () => {
    expect(readConfig({ ...LIVE, EVM_RPC_URL: 'off' }).evm).toBeNull()
  })
})

describe('faults', () => {
  test.each([
    [{ PORT: '70000' }, 'PORT is "70000" and must be a whole number from 0 to 65535, for example PORT=3000'],
    [{ PORT: '3e3' }, 'PORT is "3e3"'],
    [{ SOUK_MODE: 'prod' }, 'SOUK_MODE is "prod" and must be sandbox or live, for example SOUK_MODE=live'],
    [{ SOUK_ROLE: 'both' }, 'SOUK_ROLE is "both"'],
    [{ SOUK_URL: 'https://a.example/souk' }, 'must be an address without a path'],
    [{ DATABASE_URL: 'mysql://root:hunter2@db' }, 'DATABASE_URL must be a URL that begins with postgres://'],
    [{ SOLANA_MINT: 'USDC' }, 'must be a Solana address'],
    [{ SOLANA_NETWORK: 'devnet' }, 'must be a CAIP-2 id'],
    [{ EVM_TOKEN: '0x036cBD53842c5426634e7929541eC2318f3dCF7e' }, 'must be an address: 0x and 40 hexadecimal digits'],
    [{ EVM_FINALITY: 'safe' }, 'EVM_FINALITY is "safe" and must be finalized, or a number of blocks'],
    [{ EVM_RPC_URL: 'base' }, 'EVM_RPC_URL must be a URL that begins with https://'],
    [{ SOLANA_FEE_PAYER: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU' }, 'must be a secret key in base58, 64 bytes'],
    [{ SOUK_TRUST_PROXY: 'yes' }, 'must be no, a number of proxies, or the addresses of the proxies'],
    [{ SOUK_LIMITS: '{"money": 5}' }, 'SOUK_LIMITS must be on, off, or JSON'],
    [{ SOUK_MASTER_SECRET_FILE: '/nowhere/secret' }, 'names /nowhere/secret, which cannot be read (ENOENT)'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL is "loud"'],
    [{ SOUK_OPERATR_KEY: 'k' }, 'SOUK_OPERATR_KEY is not a setting of Souk; did you mean SOUK_OPERATOR_KEY?'],
    [{ SOUK_PORT: '3000' }, 'did you mean PORT?'],
    [{ SOUK_FROBNICATION: '1' }, 'the settings are SOUK_MODE, '],
  ])('%o is told in one line', (variables, fault) => {
    expect(faultsOf(variables)).toEqual([expect.stringContaining(fault)])
  })

  test('a password or a secret is never repeated', () => {
    const secrets = { DATABASE_URL: 'mysql://u:hunter2@db', SOUK_MASTER_SECRET: 'hunter2', SOLANA_FEE_PAYER: 'hunter2' }
    expect(faultsOf(secrets)).toHaveLength(3)
    expect(faultsOf(secrets).join()).not.toContain('hunter2')
  })

  test('names of other programs, and of later versions, are none of ours', () => {
    const others = { SOLANA_VERSION: '2', EVM_VERSION: 'x', SMTP_URL: 'y', ANTHROPIC_API_KEY: 'z', SOUK_MODEL: 'm' }
    const kubernetes = { SOUK_SERVICE_HOST: '10.0.0.7', SOUK_PORT: 'tcp://10.0.0.7:80', SOUK_PORT_80_TCP_PROTO: 'tcp' }
    expect(readConfig({ ...others, ...kubernetes, PORT: '' }).http.port).toBe(3000)
  })
})

test('the master secret may come from a file, but from one place only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'souk-config-'))
  const file = join(folder, 'master')
  writeFileSync(file, `${SECRET.toUpperCase()}\n`)
  expect(readConfig({ SOUK_MASTER_SECRET_FILE: file }).secrets.masterSecret).toBe(SECRET)
  expect(readConfig({ ...LIVE, SOUK_MASTER_SECRET: '', SOUK_MASTER_SECRET_FILE: file }).live).toBe(true)
  expect(faultsOf({ SOUK_MASTER_SECRET: SECRET, SOUK_MASTER_SECRET_FILE: file })).toHaveLength(1)
  rmSync(folder, { recursive: true })
})

test('proxies are believed by number or by address', () => {
  expect(readConfig({ SOUK_TRUST_PROXY: '2' }).http.trustProxy).toBe(2)
  expect(readConfig({ SOUK_TRUST_PROXY: '10.0.0.0/8, ::1' }).http.trustProxy).toEqual(['10.0.0.0/8', '::1'])
})

test('a host is on loopback or it is not', () => {
  const loopback = (host: string) => readConfig({ HOST: host }).http.loopback
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].map(loopback)).toEqual([true, true, true, true])
  expect(['0.0.0.0', '::', '192.168.0.1', 'souk.example.com'].map(loopback)).toEqual([false, false, false, false])
})

test('limits are changed by name', () => {
  const money = { max: 50, windowSeconds: 60 }
  expect(readConfig({ SOUK_LIMITS: JSON.stringify({ money }) }).limits).toEqual({ enabled: true, overrides: { money } })
  expect(readConfig({ SOUK_LIMITS: 'off' }).limits.enabled).toBe(false)
})

describe('D-7 the market', () => {
  const market = (settings: unknown) => ({ SOUK_MARKET: JSON.stringify(settings) })

  test('has the documented fees, limits and windows', () => {
    expect(readConfig({}).market).toMatchObject({
      jobFeeBps: 300,
      activationFeeMicros: 1_000_000n,
      withdrawalFeeMicros: 100_000n,
      withdrawalMinMicros: 5_000_000n,
      panicMinMicros: 100_000n,
      panicsPerDay: 3,
      jobAcceptSeconds: 300,
      jobReviewSeconds: 300,
      queueWaitSeconds: 86_400,
      addressCooldownSeconds: 86_400,
    })
  })

  test('is changed setting by setting, money as a number or as digits', () => {
    const changed = readConfig(
      market({ jobFeeBps: 250, withdrawalFeeMicros: 1, withdrawalMinMicros: '90071992547409931' }),
    )
    expect(changed.market).toMatchObject({
      jobFeeBps: 250,
      withdrawalFeeMicros: 1n,
      withdrawalMinMicros: 90_071_992_547_409_931n,
      jobReviewSeconds: 300,
    })
  })

  test.each([
    [{ jobFeeBps: 1.5 }, 'SOUK_MARKET has jobFeeBps 1.5, which must be basis points from 0 to 10000'],
    [{ jobFeeBps: '300' }, 'has jobFeeBps "300"'],
    [{ activationFeeMicros: -1 }, 'has activationFeeMicros -1, which must be whole micro-units'],
    [{ jobFeeBp: 1 }, 'has an unknown setting "jobFeeBp" (did you mean jobFeeBps?)'],
    [{ toString: 1 }, 'has an unknown setting "toString"'],
    [{ withdrawalFeeMicros: 9_000_000 }, 'must have a withdrawalFeeMicros below withdrawalMinMicros'],
    [[], 'must be a JSON object'],
  ])('refuses %o', (settings, fault) => {
    expect(faultsOf(market(settings))).toEqual([expect.stringContaining(fault)])
  })
})

test('the configuration cannot be changed', () => {
  const config = readConfig({})
  expect(() => Object.assign(config.market, { jobFeeBps: 0 })).toThrow(TypeError)
})

function faultsOf(variables: Record<string, string>): readonly string[] {
  try {
    readConfig(variables)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}
