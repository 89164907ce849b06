import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from './fault.ts'
import type { Surroundings } from './run.ts'

const DEFAULT_URL = 'http://localhost:3000'
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/
/** An audit of a large market reads whole tables. */
const PATIENCE_MS = 300_000

/** Asks the operator's side of a running server, or tells it `said`. Throws a `Fault` for everything but a 200 with JSON. */
export async function askOperator(path: string, { env }: Pick<Surroundings, 'env'>, said?: object): Promise<unknown> {
  const url = addressOf(env['SOUK_URL'])
  const key = env['SOUK_OPERATOR_KEY'] || (await sandboxKey(url, env['SOUK_DATA_DIR'] || './data'))
  return ask(url, { path, headers: { authorization: `Bearer ${key}` }, ...(said ? { said } : {}) })
}

/** What anybody may read. Throws a `Fault` for everything but a 200 with JSON. */
export async function fetchJson(address: string): Promise<unknown> {
  if (!URL.canParse(address)) throw new Fault(`This is no address: ${address}`)
  const { origin, pathname, search } = new URL(address)
  return ask(origin, { path: pathname + search, headers: {} })
}

async function ask(
  url: string,
  { path, headers, said }: { path: string; headers: Readonly<Record<string, string>>; said?: object },
): Promise<unknown> {
  // Redirects are not followed: what is sent, and who is believed, is this server.
  const body = said && { method: 'POST', body: JSON.stringify(said) }
  const typed = said ? { ...headers, 'content-type': 'application/json' } : headers
  const request = { headers: typed, ...body, redirect: 'manual', signal: AbortSignal.timeout(PATIENCE_MS) } as const
  const response = await fetch(url + path, request).catch((error: Error) => {
    throw new Fault(`Nothing answers at ${url} (${reasonOf(error)}). Start it with npm start, or set SOUK_URL.`)
  })
  const answered = await response.json().catch(() => undefined)
  if (response.status === 200 && answered !== undefined) return answered
  throw new Fault(`${url} answered ${response.status}: ${sentenceOf(answered)}`)
}

/** Where the market is; without a slash at its end. */
export function addressOf(given: string | undefined): string {
  const text = given || DEFAULT_URL
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new Fault(`SOUK_URL is not an http address: ${text}. Example: ${DEFAULT_URL}`)
  }
  return text.replace(/\/+$/, '')
}

/** The key that the sandbox made for itself. It never leaves this machine. */
async function sandboxKey(url: string, dataDir: string): Promise<string> {
  if (!LOOPBACK.test(new URL(url).hostname)) throw new Fault(`Set SOUK_OPERATOR_KEY to ask ${url}`)
  const path = join(dataDir, 'secrets.json')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault(
      `Set SOUK_OPERATOR_KEY, or SOUK_DATA_DIR to the sandbox's data: ${path} cannot be read (${error.code})`,
    )
  })
  const key = keyIn(text)
  if (key === undefined) throw new Fault(`${path} holds no operator's key. Set SOUK_OPERATOR_KEY.`)
  return key
}

function keyIn(text: string): string | undefined {
  try {
    const { operatorKey } = JSON.parse(text)
    return typeof operatorKey === 'string' && operatorKey !== '' ? operatorKey : undefined
  } catch {
    return undefined
  }
}

function reasonOf(error: Error): string {
  const { cause } = error
  if (error.name === 'TimeoutError') return `no answer within ${PATIENCE_MS / 60_000} minutes`
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message
}

/** What went wrong and what mends it, as Souk's errors say it. */
function sentenceOf(body: unknown): string {
  const { error, fix } = (body ?? {}) as { error?: unknown; fix?: unknown }
  if (typeof error !== 'string') return 'that is not an answer of Souk. Is SOUK_URL right?'
  return typeof fix === 'string' ? `${error}. ${fix}` : error
}
