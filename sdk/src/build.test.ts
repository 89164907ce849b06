import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The machine's own Node where there is one, which may be as old as 20. */
const node = spawnSync('node', ['--version']).status === 0 ? 'node' : process.execPath

test('built, it is JavaScript that runs on the Node of this machine', { timeout: 60_000 }, () => {
  const build = spawnSync(process.execPath, [`${ROOT}tools/sdk/build.mjs`], { encoding: 'utf8' })
  expect([build.status, build.stderr]).toEqual([0, ''])
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const words = ['{"alg":"EdDSA","kid":"k"}', '{"seq":"1"}']
    .map((text) => Buffer.from(text).toString('base64url'))
    .join('.')
  const jws = `${words}.${sign(null, Buffer.from(words), privateKey).toString('base64url')}`
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }] }
  const script = `
    import { buy, createSouk, memoryStore, usdc, verifyReceipt } from './index.js'
    import { fileStore } from './file-store.js'
    const { fault } = await verifyReceipt(${JSON.stringify(jws)}, ${JSON.stringify(jwks)})
    const wallet = { address: '0x0', pays: () => false, sign: async () => ({}) }
    const options = { wallet, store: memoryStore(), maxPrice: usdc('1'), patienceMs: 1 }
    const refused = await buy('http://127.0.0.1:1/', options).catch((error) => error.fault)
    console.log([fault, refused, typeof createSouk({ baseUrl: 'http://x' }).GET, typeof fileStore('x').read].join())`
  const run = spawnSync(node, ['--input-type=module', '-e', script], { cwd: `${ROOT}sdk/dist`, encoding: 'utf8' })
  expect([run.stdout, run.status]).toEqual(['it was signed, but is no receipt,unreachable,function,function\n', 0])
})
