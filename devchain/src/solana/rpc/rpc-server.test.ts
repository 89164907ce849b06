import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SolanaChain } from '../chain.ts'
import { type Client, MINT, startWorld } from '../test-world.ts'

let chain: SolanaChain
let client: Client
beforeAll(async () => {
  ;({ chain, client } = await startWorld({ faults: false }))
})
afterAll(() => chain.close())

const post = async (body: string) => {
  const response = await fetch(chain.rpcUrl, { method: 'POST', body })
  return { status: response.status, text: await response.text() }
}

test('text that is not JSON is answered with a parse error', async () => {
  expect(JSON.parse((await post('{"jsonrpc":')).text)).toMatchObject({ id: null, error: { code: -32700 } })
})

test('a batch is answered call by call, in order, failures included', async () => {
  const calls = [
    { jsonrpc: '2.0', id: 'a', method: 'getHealth' },
    { jsonrpc: '2.0', id: 2, method: 'noSuchMethod' },
    { jsonrpc: '2.0', id: 3, method: 'getBalance', params: ['nonsense'] },
    { jsonrpc: '2.0', method: 'getHealth' },
    7,
  ]
  expect(JSON.parse((await post(JSON.stringify(calls))).text)).toMatchObject([
    { id: 'a', result: 'ok' },
    { id: 2, error: { code: -32601 } },
    { id: 3, error: { code: -32602 } },
    { id: null, error: { code: -32600 } },
  ])
})

test('a body beyond the limit is refused', async () => {
  expect((await post('x'.repeat(600_000))).status).toBe(413)
})

test('u64 values are written exactly', async () => {
  expect(
    (
      await post(
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'getAccountInfo', params: [MINT, { encoding: 'base64' }] }),
      )
    ).text,
  ).toContain('"rentEpoch":18446744073709551615')
})

test('a client can tell this chain from a real cluster', async () => {
  expect(await client.raw('getVersion')).toMatchObject({ 'souk-devchain': '1' })
  expect(await client.raw('getGenesisHash')).toBe(chain.genesisHash)
})

test('the mint is readable at once, at every commitment, raw and parsed', async () => {
  for (const commitment of ['processed', 'confirmed', 'finalized']) {
    const options = { encoding: 'jsonParsed', commitment }
    expect(await client.raw('getAccountInfo', MINT, options)).toMatchObject({
      value: { data: { program: 'spl-token', parsed: { type: 'mint', info: { decimals: 6 } } } },
    })
  }
})

test('methods that jump time and break things are closed unless asked for', async () => {
  for (const method of ['souk_advanceSlots', 'souk_dropNextTransactions']) {
    await expect(client.raw(method, { slots: 1, count: 1 })).rejects.toMatchObject({ code: -32601 })
  }
})
