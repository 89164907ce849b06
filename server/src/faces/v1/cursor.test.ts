import { expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { cursorOf, placeOf } from './cursor.ts'

test('a cursor leads back to its place, in its own list only', () => {
  const place = { key: -20_000n, id: newId() }
  const cursor = cursorOf('top', place)
  expect(placeOf('top', cursor)).toEqual(place)
  expect(() => placeOf('price', cursor)).toThrow('This cursor')
})

test.each(['', 'x', '\u0000', 'dG9wIDEgMQ', cursorOf('top', { key: 10n ** 30n, id: newId() })])(
  'the cursor %j is refused',
  (cursor) => {
    expect(() => placeOf('top', cursor)).toThrow('This cursor')
  },
)
