import { newId } from '#kernel/id'
import { openSouk, type Souk } from '#main/souk'
import { readConfig } from '#platform/config/index'
import { createLog } from '#platform/log'
import type { SettlementChain } from '#settlement'
import { openTestDatabase } from './database.ts'
import { type EvmTestChain, startEvmTestChain } from './evm-chain.ts'
import { freePort } from './free-port.ts'
import { freshMasterSecret, startTestChain, type TestChain } from './solana-chain.ts'

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
  readonly headers: Record<string, string | string[] | number | undefined>
}

export interface TestAgent {
  readonly id: string
  readonly key: string
  readonly depositAddress: string
  /** The personal wallet that paid its deposits. */
  readonly wallet: { readonly address: string; readonly secretKey: string }
  post(path: string, body?: object, headers?: Record<string, string>): Promise<Answer>
  get(path: string): Promise<Answer>
  put(path: string, body: object): Promise<Answer>
  patch(path: string, body: object): Promise<Answer>
  delete(path: string): Promise<Answer>
  available(): Promise<bigint>
}

export interface World {
  readonly souk: Souk
  readonly chain: TestChain
  /** Null unless asked for. */
  readonly evm: EvmTestChain | null
  readonly databaseUrl: string
  readonly operatorKey: string
  call(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, options?: CallOptions): Promise<Answer>
  /** Registers, deposits on the chain and activates; `funds` is what stays available. None: registered only. */
  agent(options?: { name?: string; funds?: bigint; callbackUrl?: string }): Promise<TestAgent>
  /** Lists a service of the agent's; answers its id. */
  service(agent: TestAgent, fields?: object): Promise<string>
  /** Moves the market's clock and runs whatever became due. */
  pass(seconds: number): Promise<void>
  /** Runs background work until there is none. */
  settle(): Promise<void>
  /** Asks again until there is an answer. */
  until<T>(ask: () => Promise<T | undefined>): Promise<T>
  /** Where it listens, if it does. */
  readonly url: string
  close(): Promise<void>
}

export interface CallOptions {
  readonly key?: string
  readonly body?: object | string
  readonly headers?: Record<string, string>
}

export interface WorldOptions {
  /** `SOUK_LIMITS`; off unless a test is about limits. */
  readonly limits?: string
  /** `SOUK_MARKET`, as JSON. */
  readonly market?: string
  /** A chain to share with another world. */
  readonly chain?: TestChain
  /** With a local EVM chain too; without it the market does without EVM. */
  readonly evm?: boolean
  /** Listens on a free port, and works in the background as a running server does. */
  readonly listens?: boolean
  /** What stands between the market and the EVM chain on which it settles. */
  readonly settlesOver?: (chain: SettlementChain) => SettlementChain
}

const ACTIVATION = 1_000_000n

/** A whole market of its own: real database, real local chain, every door open, a clock that only moves when told to. */
export async function openWorld({
  limits = 'off',
  market,
  chain: shared,
  evm: withEvm = false,
  listens = false,
  settlesOver,
}: WorldOptions = {}): Promise<World> {
  const [database, chain, evm] = await Promise.all([
    openTestDatabase(),
    shared ?? startTestChain(),
    withEvm ? startEvmTestChain() : null,
  ])
  await database.store.close()
  const operatorKey = `op_${newId()}`
  const config = readConfig({
    SOUK_LIMITS: limits,
    SOUK_DATA_DIR: '/nonexistent',
    EVM_RPC_URL: evm?.rpcUrl ?? 'off',
    ...(market === undefined ? {} : { SOUK_MARKET: market }),
  })
  const port = listens ? await freePort() : 3000
  const url = `http://localhost:${port}`
  const souk = await openSouk({
    config,
    secrets: { masterSecret: freshMasterSecret(), operatorKey, made: true },
    databaseUrl: database.url,
    solanaRpcUrl: chain.rpcUrl,
    evmRpcUrl: evm?.rpcUrl ?? null,
    publicUrl: url,
    version: '0.0.0-test',
    log: createLog(process.env['SOUK_TEST_LOG'] ?? 'silent'),
    ownPorts: () => [port],
    ...(settlesOver ? { settlesOver } : {}),
  })
  if (listens) await souk.http.listen({ port })
  if (listens) souk.sweeper.start()
  await souk.http.ready()
  const call: World['call'] = async (method, path, { key, body, headers = {} } = {}) => {
    const response = await souk.http.inject({
      method,
      url: path,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: body }),
    })
    const json = String(response.headers['content-type']).includes('json')
    return { status: response.statusCode, body: json ? response.json() : response.body, headers: response.headers }
  }
  const world = { souk, chain, evm, databaseUrl: database.url, operatorKey, call }
  return {
    ...world,
    url,
    until,
    agent: (options) => enrol(world, options),
    service: listService,
    pass: (seconds) => moveClock(souk, seconds),
    settle: () => souk.sweeper.runUntilIdle(),
    close: async () => {
      await requireCleanBooks(call, operatorKey)
      await souk.close()
      if (!shared) await chain.close()
      await evm?.close()
      await database.drop()
    },
  }
}

/** Every test world ends with the audit (D-18). */
async function requireCleanBooks(call: World['call'], key: string): Promise<void> {
  const { body } = await call('GET', '/api/v1/admin/audit', { key })
  const wrong = body.checks?.filter(({ ok }: { ok: boolean }) => !ok)
  if (body.ok !== true) throw new Error(`the books are not clean: ${JSON.stringify(wrong ?? body)}`)
}

const UNTIL_MS = 20_000

async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + UNTIL_MS
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function moveClock(souk: Souk, seconds: number): Promise<void> {
  const { default: sql } = await import('sql-template-tag')
  await souk.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${seconds * 1000}`))
  await souk.sweeper.runUntilIdle()
}

type Doors = Pick<World, 'call' | 'chain'>

async function enrol(
  { call, chain }: Doors,
  options: { name?: string; funds?: bigint; callbackUrl?: string } = {},
): Promise<TestAgent> {
  const { name = `agent-${newId().slice(-12)}`, funds, callbackUrl } = options
  const registered = await call('POST', '/api/v1/auth/register', {
    body: { name, ...(callbackUrl === undefined ? {} : { callbackUrl }) },
  })
  if (registered.status !== 201) throw new Error(`registration failed: ${JSON.stringify(registered.body)}`)
  const { agentId, apiKey: key, depositAddress } = registered.body
  const wallet = await chain.wallet(funds === undefined ? 0n : funds + ACTIVATION)
  if (funds !== undefined) {
    await chain.send(wallet, depositAddress, funds + ACTIVATION)
    await chain.finalize()
    const confirmed = await call('POST', '/api/v1/wallet/confirm-deposit', { key })
    if (confirmed.body.depositsFound !== 1) throw new Error(`no deposit found: ${JSON.stringify(confirmed.body)}`)
  }
  return {
    id: agentId,
    key,
    depositAddress,
    wallet,
    post: (path, body, headers = {}) => call('POST', path, { key, headers, ...(body === undefined ? {} : { body }) }),
    get: (path) => call('GET', path, { key }),
    put: (path, body) => call('PUT', path, { key, body }),
    patch: (path, body) => call('PATCH', path, { key, body }),
    delete: (path) => call('DELETE', path, { key }),
    available: async () => BigInt((await call('GET', '/api/v1/agents/me', { key })).body.wallet.available),
  }
}

/** Fields of a plain service; a test names those it is about. */
export const PLAIN_SERVICE = {
  name: 'Summarizer',
  description: 'Summarizes any text into bullets',
  category: 'text',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  outputSchema: {
    type: 'object',
    properties: { bullets: { type: 'array', items: { type: 'string' } } },
    required: ['bullets'],
  },
  pricePerJob: 500_000,
}

async function listService(agent: TestAgent, fields: object = {}): Promise<string> {
  const listed = await agent.post('/api/v1/services', { ...PLAIN_SERVICE, ...fields })
  if (listed.status !== 201) throw new Error(`listing failed: ${JSON.stringify(listed.body)}`)
  return listed.body.id
}
