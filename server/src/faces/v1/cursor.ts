import { Type } from 'typebox'
import { isId } from '#kernel/id'
import { defineRefusals } from '#kernel/refusal'

export const cursorRefusals = defineRefusals({
  cursor_invalid: [
    'invalid',
    'This cursor is none of this list',
    'Send the nextCursor of the page before, unchanged and with the same sort; leave it out for the first page.',
  ],
})

/** A place in a list that is read page by page. */
export interface Place {
  readonly key: bigint
  readonly id: string
}

export const CursorQuery = Type.String({ maxLength: 200, description: 'nextCursor of the page before.' })

/** `list` says which order it belongs to. */
export function cursorOf(list: string, { key, id }: Place): string {
  return Buffer.from(`${list} ${key} ${id}`).toString('base64url')
}

const KEY = /^-?\d{1,18}$/

export function placeOf(list: string, cursor: string): Place {
  const [of, key = '', id = '', ...more] = Buffer.from(cursor, 'base64url').toString('latin1').split(' ')
  if (of !== list || !KEY.test(key) || !isId(id) || more.length > 0) throw cursorRefusals.cursor_invalid()
  return { key: BigInt(key), id }
}
