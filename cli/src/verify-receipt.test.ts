import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from './run.ts'

const [ours, theirs] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
const jwks = { keys: [{ ...ours.publicKey.export({ format: 'jwk' }), kid: 'ours', alg: 'EdDSA', use: 'sig' }] }

let folder: string
let server: Server
let url: string
let asked: string[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'souk-receipts-'))
  await writeFile(join(folder, 'jwks.json'), JSON.stringify(jwks))
  server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization ?? 'without a key'}`)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(jwks))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

interface Signing {
  readonly key?: KeyObject
  readonly header?: object
}

function signed(facts: object, { key = ours.privateKey, header = {} }: Signing = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'EdDSA', kid: 'ours', ...header })}.${part(facts)}`
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`
}

function receipt(seq: number, previous: string, more: object = {}): string {
  const facts = { seq: String(seq), previous, settlementType: 'escrow_release', price: '500000', asset: 'USDC' }
  return signed({ ...facts, orderId: randomUUID(), ...more })
}

const hash = (jws: string) => createHash('sha256').update(jws).digest('hex')

/** Receipts that follow one another, from number 1. */
function chain(length: number): string[] {
  const receipts: string[] = []
  for (let seq = 1; seq <= length; seq++) {
    const before = receipts.at(-1)
    receipts.push(receipt(seq, before ? hash(before) : '0'.repeat(64)))
  }
  return receipts
}

async function verify(input: string | object, args = `- --jwks ${join(folder, 'jwks.json')}`) {
  asked = []
  const [out, err]: [string[], string[]] = [[], []]
  const code = await run(['verify-receipt', ...args.split(' ').filter((arg) => arg !== '')], {
    env: { SOUK_URL: url },
    input: async () => (typeof input === 'string' ? input : JSON.stringify(input)),
    out: (line) => out.push(line),
    err: (line) => err.push(line),
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

test('D-19 a receipt is verified with a file of keys, and nobody is asked anything', async () => {
  const [first = ''] = chain(1)
  const { code, out } = await verify(first)
  expect({ code, asked }).toEqual({ code: 0, asked: [] })
  expect(out).toMatch(/^valid +1 +escrow_release +0\.50 +USDC for [0-9a-f-]{36}$/m)
  expect(out).toMatch(/The receipt is valid\.$/)
})

test('D-19 a run of receipts is verified as a chain, in whatever order it comes', async () => {
  const run = chain(12)
  const { code, out } = await verify(run.toReversed().join('\n'))
  expect(code).toBe(0)
  expect(out).toMatch(/All 12 receipts are valid, and each follows the one before\.$/)
  const numbers = [...out.matchAll(/^valid +(\d+)/gm)].map(([, seq]) => Number(seq))
  expect(numbers).toEqual(run.map((_, index) => index + 1))
})

test('receipts are found in what the market answers', async () => {
  const [first = '', second = ''] = chain(2)
  for (const answer of [
    { receipts: [{ _id: 'x', jws: second, signature: '00' }, { jws: first }], nextCursor: 'abc' },
    { receipt: { jws: first } },
    { id: 'job', status: 'completed', receipt: first, output: { text: 'a.b.c' } },
    [first, second, first],
    first,
  ]) {
    expect((await verify(answer)).code).toBe(0)
  }
})

test('the keys are taken from the market when none are named, and no key of ours is shown to it', async () => {
  const [first = ''] = chain(1)
  expect((await verify(first, '-')).code).toBe(0)
  expect((await verify(first, `- --jwks ${url}/keys?of=2026`)).code).toBe(0)
  expect(asked).toEqual(['/keys?of=2026 without a key'])
  await writeFile(join(folder, 'receipts.txt'), first)
  expect((await verify('', `--jwks ${url}/x ${join(folder, 'receipts.txt')}`)).code).toBe(0)
})

test('a run with gaps is valid, and the gaps are told', async () => {
  const run = chain(9)
  const { code, out } = await verify([run[0], run[1], run[4], run[8]])
  expect(code).toBe(0)
  expect(out).toContain('Receipts are missing in 2 places')
})

const [one = '', two = ''] = chain(2)
const [header, payload = '', signature] = one.split('.')
const forged = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('"500000"', '"900000"'))

test.each<[string, string[], RegExp]>([
  ['one letter changed', [`${header}.${forged.toString('base64url')}.${signature}`], /its signature is wrong/],
  ['the signature of another', [`${header}.${payload}.${two.split('.')[2]}`], /its signature is wrong/],
  ["another's key under our key's name", [signed({ seq: '1' }, { key: theirs.privateKey })], /its signature is wrong/],
  ['a key nobody knows', [signed({ seq: '1' }, { header: { kid: 'else' } })], /its key is none of these keys/],
  ['another algorithm', [signed({ seq: '1' }, { header: { alg: 'none' } })], /no signed receipt/],
  ['something else that was signed', [signed({ seq: '1' })], /signed, but is no receipt/],
  ['a number that is none', [receipt(1, '0'.repeat(64), { seq: '1\u001b[2J' })], /signed, but is no receipt/],
  ['no receipt at all', ['nonsense'], /no signed receipt/],
  ['a fourth part', [`${one}.x`], /no signed receipt/],
  ['a first one that follows something', [receipt(1, hash('x'))], /receipt 1 does not follow/],
  ['one that follows another', [one, receipt(2, hash('x'))], /receipt 2 does not follow/],
  ['a fork', [one, two, receipt(2, hash(one))], /another receipt with number 2/],
])('D-19 %s is found out and ends 1', async (_, receipts, fault) => {
  const { code, out } = await verify(receipts)
  expect(code).toBe(1)
  expect(out).toMatch(fault)
  expect(out).toMatch(/NOT VALID/)
  expect(out).not.toContain('\u001b')
  expect(out).toMatch(/\d of \d receipts are not valid\.$/)
})

test.each([
  ['nothing to verify', '', '-', /There is no receipt in what came in/],
  ['no file', '', '', /^Usage: souk verify-receipt/],
  ['an unknown option', '', '- --key x', /^Usage: /],
  ['an option without its value', '', '- --jwks', /^Usage: /],
  ['too much', '', '- --jwks x y', /^Usage: /],
  ['a file that is not there', '', '/nonexistent/receipt', /cannot be read \(ENOENT\)/],
  ['keys that are not there', one, '- --jwks /nonexistent/jwks', /cannot be read \(ENOENT\)/],
  ['a market that is not there', one, '- --jwks http://127.0.0.1:1/jwks.json', /^Nothing answers at http:\/\/127/],
])('%s ends 2 and says what to do', async (_, input, args, sentence) => {
  const { code, out, err } = await verify(input, args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(sentence)
})

test('keys that are none end 2', async () => {
  const path = join(folder, 'other.json')
  for (const text of ['nonsense', '{}', 'null', '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":1}]}']) {
    await writeFile(path, text)
    expect(await verify(one, `- --jwks ${path}`)).toMatchObject({
      code: 2,
      err: expect.stringContaining('is no set of keys'),
    })
  }
})
