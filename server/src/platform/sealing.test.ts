import { expect, test } from 'vitest'
import { open, seal } from './sealing.ts'

const key = new Uint8Array(32).fill(7)

test('what is sealed opens again, and two seals of one secret differ', () => {
  const secret = 'whsec_ünïcode \u{1F511}'
  const sealed = seal(key, secret)
  expect(sealed).toMatch(/^sealed1\.[\w-]+$/)
  expect(open(key, sealed)).toBe(secret)
  expect(seal(key, secret)).not.toBe(sealed)
  expect(open(key, seal(key, ''))).toBe('')
})

test('it does not open with another key, in another place, or changed', () => {
  const sealed = seal(key, 'secret', 'webhook 1')
  expect(open(key, sealed, 'webhook 1')).toBe('secret')
  expect(() => open(new Uint8Array(32), sealed, 'webhook 1')).toThrow('does not open')
  expect(() => open(key, sealed, 'webhook 2')).toThrow('does not open')
  const bytes = Buffer.from(sealed.slice('sealed1.'.length), 'base64url')
  for (const at of [0, 12, 28]) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1
    expect(() => open(key, `sealed1.${changed.toString('base64url')}`, 'webhook 1')).toThrow('does not open')
  }
})

test('what is no seal of ours is said to be none', () => {
  expect(() => open(key, 'plain text')).toThrow('not a sealed secret')
  expect(() => open(key, 'sealed1.AAAA')).toThrow('cut short')
})

test('a key of another length is refused', () => {
  expect(() => seal(new Uint8Array(16), 'secret')).toThrow('Invalid key length')
})

test('a seal of the first version opens for ever', () => {
  const sealed = 'sealed1.c_IbJDyH1j0InPRQPMPraUTrVZSkqteORLXyDUGe_KYlBg'
  expect(open(key, sealed, 'kept')).toBe('secret')
})
