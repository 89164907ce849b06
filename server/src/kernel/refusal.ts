/** What kind of "no" this is. Each face maps kinds to its contract's statuses, in one table. */
export type RefusalKind =
  | 'invalid'
  | 'unauthenticated'
  | 'unfunded'
  | 'forbidden'
  | 'missing'
  | 'conflict'
  | 'unprocessable'
  | 'limited'
  /** Somebody we asked on the caller's behalf failed. */
  | 'upstream'
  /** What this market does not do, whoever asks. */
  | 'unsupported'
  | 'unknown'

/** Facts that help the caller mend the request; they are shown, so never a secret. */
export type RefusalDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>

/** An expected "no" of the domain. Throwing it rolls the unit of work back. */
export class Refusal<Code extends string = string> extends Error {
  override readonly name = 'Refusal'
  readonly code: Code
  readonly kind: RefusalKind
  /** What the caller can do about it. */
  readonly fix: string
  readonly details: RefusalDetails

  constructor(code: Code, kind: RefusalKind, text: { message: string; fix: string; details?: RefusalDetails }) {
    super(text.message)
    this.code = code
    this.kind = kind
    this.fix = text.fix
    this.details = text.details ?? {}
  }
}

/** code → [kind, sentence, remedy]. `{name}` in a sentence or remedy is filled from the details. */
export type RefusalCatalogue = Record<string, readonly [kind: RefusalKind, message: string, fix: string]>

type Makers<C extends RefusalCatalogue> = {
  readonly [K in keyof C & string]: (details?: RefusalDetails) => Refusal<K>
}

const catalogues: RefusalCatalogue[] = []

/** A module's catalogue of refusals: `throw orderRefusals.wrong_state({ state })`. */
export function defineRefusals<const C extends RefusalCatalogue>(catalogue: C): Makers<C> {
  catalogues.push(catalogue)
  const make =
    (code: string) =>
    (details: RefusalDetails = {}) => {
      const [kind, message, fix] = catalogue[code] as C[string]
      return new Refusal(code, kind, { message: fill(message, details), fix: fill(fix, details), details })
    }
  return Object.fromEntries(Object.keys(catalogue).map((code) => [code, make(code)])) as unknown as Makers<C>
}

/** Every catalogue defined so far, for `docs/refusals.md`. */
export function allRefusals(): RefusalCatalogue {
  return Object.assign({}, ...catalogues)
}

function fill(sentence: string, details: RefusalDetails): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, key: string) => (key in details ? String(details[key]) : whole))
}
