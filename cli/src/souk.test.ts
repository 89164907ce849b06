import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from './run.ts'
import { usdc } from './text.ts'

interface Answer {
  readonly status?: number
  readonly body: string | object
  readonly headers?: Record<string, string>
}

let server: Server
let url: string
let dataDir: string
let answer: Answer
let asked: IncomingMessage[]

const check = { name: 'balances_equal_entries', ok: true, checked: 1203, differences: [] }
const network = {
  network: 'solana',
  liabilities: '12500000',
  holdings: '13000001',
  inFlight: '0',
  uncredited: '500001',
  covered: true,
}
const clean = {
  ok: true,
  at: '2026-01-01T00:00:00.000Z',
  durationMs: 1234,
  checks: [check, { ...check, name: 'escrow', checked: 7 }],
  networks: [network],
}

beforeEach(async () => {
  asked = []
  answer = { body: clean }
  server = createServer((request, response) => {
    asked.push(request)
    const { status = 200, body, headers = {} } = answer
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  dataDir = await mkdtemp(join(tmpdir(), 'souk-cli-'))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(dataDir, { recursive: true })
})

async function souk(args: string, env: Record<string, string | undefined> = {}) {
  const [out, err]: [string[], string[]] = [[], []]
  const surroundings = {
    env: { SOUK_URL: url, SOUK_OPERATOR_KEY: 'op_env', SOUK_DATA_DIR: dataDir, ...env },
    input: async () => '',
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
  }
  const code = await run(args === '' ? [] : args.split(' '), surroundings)
  return { code, out: out.join('\n'), err: err.join('\n') }
}

test('D-18 an audit in order prints every check and ends 0', async () => {
  const { code, out, err } = await souk('audit')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toBe(`The books at 2026-01-01T00:00:00.000Z, checked in 1.234 s

    check                   looked at
ok  balances_equal_entries       1203
ok  escrow                          7

         network, in USDC   owed       held  in flight  not credited
covered  solana            12.50  13.000001       0.00      0.500001

Everything is in order.`)
  expect(asked[0]).toMatchObject({ method: 'GET', url: '/api/v1/admin/audit' })
  expect(asked[0]?.headers.authorization).toBe('Bearer op_env')
})

test('an audit that finds differences shows them and ends 1', async () => {
  const differences = [{ subject: 'usdc:available:x', expected: '5', found: '7' }]
  answer = {
    body: {
      ...clean,
      ok: false,
      checks: [{ ...check, ok: false, differences }, check],
      networks: [{ ...network, covered: false }],
    },
  }
  const { code, out } = await souk('audit')
  expect(code).toBe(1)
  expect(out).toContain('DIFFERS  balances_equal_entries')
  expect(out).toContain('         usdc:available:x: expected 5, found 7')
  expect(out).toContain('SHORT  solana')
  expect(out).toMatch(/1 of 2 checks found differences\.$/)
})

test('a market without networks has no table of them', async () => {
  answer = { body: { ...clean, networks: [] } }
  expect((await souk('audit')).out).not.toContain('network')
})

test('the key of the sandbox is read from its data folder', async () => {
  await writeFile(join(dataDir, 'secrets.json'), JSON.stringify({ masterSecret: '00', operatorKey: 'op_file' }))
  expect((await souk('audit', { SOUK_OPERATOR_KEY: undefined })).code).toBe(0)
  expect((await souk('audit', { SOUK_OPERATOR_KEY: '' })).code).toBe(0)
  expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer op_file', 'Bearer op_file'])
})

test('the key of the sandbox is not sent to another machine', async () => {
  await writeFile(join(dataDir, 'secrets.json'), JSON.stringify({ operatorKey: 'op_file' }))
  const { code, err } = await souk('audit', { SOUK_OPERATOR_KEY: undefined, SOUK_URL: 'https://souk.example' })
  expect({ code, err }).toEqual({ code: 2, err: 'Set SOUK_OPERATOR_KEY to ask https://souk.example' })
})

test.each([
  ['no key anywhere', {}, undefined, /SOUK_DATA_DIR to the sandbox's data: .*secrets\.json cannot be read \(ENOENT\)/],
  ['secrets that are none', {}, 'nonsense', /secrets\.json holds no operator's key/],
  ['secrets without a key', {}, '{"operatorKey": ""}', /secrets\.json holds no operator's key/],
])('%s ends 2 and says what to do', async (_, env, secrets, sentence) => {
  if (secrets !== undefined) await writeFile(join(dataDir, 'secrets.json'), secrets)
  const { code, out, err } = await souk('audit', { SOUK_OPERATOR_KEY: undefined, ...env })
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(sentence)
  expect(asked).toEqual([])
})

test.each([
  [
    'a server that is not there',
    'http://127.0.0.1:1',
    /^Nothing answers at http:\/\/127\.0\.0\.1:1 \(.+\)\. Start it with npm start, or set SOUK_URL\.$/,
  ],
  ['an address that is none', 'localhost:3000', /^SOUK_URL is not an http address: localhost:3000/],
  ['an address that is no text of an address', '::', /^SOUK_URL is not an http address/],
])('%s ends 2', async (_, address, sentence) => {
  const { code, err } = await souk('audit', { SOUK_URL: address })
  expect(code).toBe(2)
  expect(err).toMatch(sentence)
})

test('a slash at the end of the address does no harm', async () => {
  expect((await souk('audit', { SOUK_URL: `${url}/` })).code).toBe(0)
  expect(asked[0]?.url).toBe('/api/v1/admin/audit')
})

test.each([
  [
    'a wrong key',
    { status: 403, body: { error: 'Only the operator may', fix: "Send the operator's key." } },
    /answered 403: Only the operator may\. Send the operator's key\.$/,
  ],
  ['a server that is not ready', { status: 503, body: { error: 'Not now' } }, /answered 503: Not now$/],
  ['another program', { body: '<html>' }, /answered 200: that is not an answer of Souk/],
  ['JSON of something else', { body: { ok: 'yes' } }, /not an audit/],
  ['null', { body: 'null' }, /not an audit/],
  ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }, /answered 302/],
])('%s ends 2 and says so', async (_, given: Answer, sentence) => {
  answer = given
  const { code, out, err } = await souk('audit')
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(sentence)
})

test('help tells the commands and ends 0; nothing and nonsense end 2', async () => {
  for (const args of ['help', '--help', '-h']) {
    const { code, out } = await souk(args)
    expect(code).toBe(0)
    expect(out).toContain('souk audit')
  }
  expect(await souk('')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('souk audit') })
  expect(await souk('audits')).toMatchObject({ code: 2, err: 'There is no command "audits": see souk help' })
  expect(await souk('constructor')).toMatchObject({ code: 2 })
  expect(await souk('audit now please')).toMatchObject({ code: 2, err: expect.stringContaining('now please') })
})

test.each([
  ['0', '0.00'],
  ['1', '0.000001'],
  ['1000000', '1.00'],
  ['-1500000', '-1.50'],
  ['1152921504606846976', '1152921504606.846976'],
  ['odd', 'odd'],
])('%s micro-units are %s USDC', (micros, text) => {
  expect(usdc(micros)).toBe(text)
})

test('an import is asked for, followed and told of; a source that cannot be read ends 2', async () => {
  const none = { read: 0, added: 0, changed: 0, unchanged: 0, returned: 0, gone: 0, skipped: {} }
  const source = { id: 'x', url: 'https://e.com/list', passes: 4, progress: { offset: 0, counts: none }, last: null }
  const [begun, done] = [
    { ...source, failures: 0, fault: null },
    { ...source, passes: 5, fault: null, last: { ...none, read: 9, added: 7, skipped: { 'not an object': 2 } } },
  ]
  answer = { body: { ...begun, sources: [done] } }
  expect(await souk('import https://e.com')).toEqual({
    ...{ code: 0, err: '' },
    out: 'Reading https://e.com/list\nDone: 9 read, 7 added, 2 left out (not an object)',
  })
  expect(asked.map(({ method, url: path }) => `${method} ${path}`)).toEqual([
    'POST /api/v1/admin/ecosystem/sources',
    'GET /api/v1/admin/ecosystem/sources',
  ])
  expect((await souk('import https://e.com --no-wait')).out).toBe('Reading https://e.com/list')
  answer = { body: { ...begun, sources: [{ ...begun, fault: 'it answered 503' }] } }
  expect(await souk('import https://e.com')).toMatchObject({ code: 2, err: expect.stringContaining('it answered 503') })
  expect((await souk('import')).code).toBe(2)
})
