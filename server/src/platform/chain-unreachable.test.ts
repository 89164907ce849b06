import { inspect } from 'node:util'
import { createPublicClient, http } from 'viem'
import { expect, test } from 'vitest'
import { ChainUnreachable } from './chain-unreachable.ts'

const KEYED = 'https://base.example.com/v2/s3cret-key'

test.each([
  ['an error', new Error(`fetch ${KEYED} failed\nURL: ${KEYED}`), 'base did not answer: fetch (its node) failed'],
  ['a sentence', 'transaction 0x1 is not final', 'base did not answer: transaction 0x1 is not final'],
  ['nothing', new Error(''), 'base did not answer: it did not say why'],
  [
    'an error with details',
    Object.assign(new Error(KEYED), { shortMessage: 'HTTP request failed.', details: `{"url":"${KEYED}"}` }),
    'base did not answer: HTTP request failed. {"url":"(its node)"}',
  ],
])('what %s says is told, and where the node stands is not', (_, cause, said) => {
  const error = new ChainUnreachable('base', cause)
  expect(error.message).toBe(said)
  expect(inspect(error, { depth: 9 })).not.toContain('s3cret')
})

test('nor is it by the library that asks EVM nodes', async () => {
  const client = createPublicClient({ transport: http('http://127.0.0.1:9/s3cret-key', { retryCount: 0 }) })
  const cause = await client.getBlockNumber().catch((error: unknown) => error)
  expect(inspect(new ChainUnreachable('base', cause), { depth: 9 })).not.toMatch(/s3cret|127\.0\.0\.1/)
})
