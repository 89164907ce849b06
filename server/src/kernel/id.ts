import { v7, validate } from 'uuid'

/** A UUIDv7: unique, and ordered by the time it was made, so that indexes on it stay dense. */
export function newId(): string {
  return v7()
}

/** Whether strangers' text is a UUID at all; anything else is refused before it reaches SQL. */
export function isId(text: string): boolean {
  return validate(text)
}
