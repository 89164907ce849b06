import { Client, escapeIdentifier } from 'pg'

const UNDEFINED_DATABASE = '3D000'
const DUPLICATE_DATABASE = '42P04'

/** Makes a database (a copy of `template` when one is named, to which nobody may be connected) and returns its URL. */
export async function createDatabase(
  adminUrl: string,
  name: string,
  { template }: { template?: string } = {},
): Promise<string> {
  const copied = template === undefined ? '' : ` template ${escapeIdentifier(template)}`
  await execute(adminUrl, `create database ${escapeIdentifier(name)}${copied}`)
  return databaseUrl(adminUrl, name)
}

/** Drops a database, if it is there, and ends the sessions still in it. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await execute(adminUrl, `drop database if exists ${escapeIdentifier(name)} with (force)`)
}

/** The URL of another database of the same server. */
export function databaseUrl(url: string, name: string): string {
  const other = new URL(url)
  other.pathname = `/${encodeURIComponent(name)}`
  return other.href
}

/** Whether the database answers; otherwise the code of its "no": an SQLSTATE, or the socket's. */
export async function probe(url: string): Promise<'answers' | { readonly code: string; readonly message: string }> {
  try {
    await execute(url, 'select 1')
    return 'answers'
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return { code: code ?? 'unknown', message }
  }
}

/** Makes the database of `url`, through the server's `postgres` one, unless it is there. */
export async function ensureDatabase(url: string): Promise<void> {
  const answer = await probe(url)
  if (answer === 'answers') return
  if (answer.code !== UNDEFINED_DATABASE) throw new Error(answer.message)
  const name = decodeURIComponent(new URL(url).pathname.slice(1))
  await createDatabase(databaseUrl(url, 'postgres'), name).catch((error: { code?: string }) => {
    if (error.code !== DUPLICATE_DATABASE) throw error
  })
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  // A server that goes away while we wait fails the query; the event beside it must not end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(statement)
  } finally {
    await client.end().catch(() => {})
  }
}
