import { expect, test } from 'vitest'
import { addressOf } from './limits.ts'

test.each([
  ['2001:db8::1', '2001:db8::2'],
  ['2001:db8:1::a:b:c:d', '2001:db8:1:0:1:2:3:4'],
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
])('%s and %s are one customer', (one, other) => {
  expect(addressOf({ ip: one })).toBe(addressOf({ ip: other }))
})

test.each([
  ['2001:db8::1', '2001:db8:0:1::1'],
  ['192.0.2.1', '192.0.2.2'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
])('%s and %s are two customers', (one, other) => {
  expect(addressOf({ ip: one })).not.toBe(addressOf({ ip: other }))
})
