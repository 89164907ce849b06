/** One thing wrong with a schema or a value. `path` is a JSON pointer, `''` for the whole. */
export interface SchemaFault {
  readonly path: string
  readonly message: string
}

/** Enough to mend a request; strangers' schemas could make millions. */
export const MAX_FAULTS = 20

const MAX_CHARS = 200

export function fault(path: string, message: string): SchemaFault {
  return { path: cut(path), message: cut(message) }
}

function cut(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS).toWellFormed()}…` : text
}
