import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readEvmAddress } from './evm-address.ts'

/** The examples of EIP-55 itself. */
const EXAMPLES = [
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
]

test.each(EXAMPLES)(
  'PA-13 %s is read as it stands, in lower case too, and from upper case gets its checksum',
  (address) => {
    expect(readEvmAddress(address)).toBe(address)
    expect(readEvmAddress(address.toLowerCase())).toBe(address.toLowerCase())
    expect(readEvmAddress(`0x${address.slice(2).toUpperCase()}`)).toBe(address)
  },
)

test('PA-13 a letter of the wrong case is a slip, and no address', () => {
  fc.assert(
    fc.property(fc.constantFrom(...EXAMPLES.slice(4)), fc.nat(39), (address, place) => {
      const [before, letter, after] = [address.slice(0, place + 2), address.charAt(place + 2), address.slice(place + 3)]
      const turned = letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase()
      fc.pre(turned !== letter)
      expect(readEvmAddress(before + turned + after)).toBeUndefined()
    }),
  )
})

test.each([
  '',
  '0x',
  `0x${'0'.repeat(40)}`,
  `0x${'a'.repeat(39)}`,
  `0x${'a'.repeat(41)}`,
  `0X${'a'.repeat(40)}`,
  'a'.repeat(42),
  `0x${'g'.repeat(40)}`,
  ` 0x${'a'.repeat(40)}`,
  `0x${'a'.repeat(40)}\n`,
])('%j is no address anything may be paid to', (text) => {
  expect(readEvmAddress(text)).toBeUndefined()
})
