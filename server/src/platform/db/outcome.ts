import { defineRefusals } from '#kernel/refusal'

export const dbRefusals = defineRefusals({
  busy: ['conflict', 'Another request is working on the same thing', 'Wait a second and send the same request again.'],
  unavailable: ['unknown', 'The database cannot be reached right now', 'Send the same request again in a few seconds.'],
})

/** The commit was sent and its answer was lost: it may or may not have happened (D-28). */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome'
  constructor(cause: Error) {
    super('the outcome of the commit is unknown', { cause })
  }
}

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK = '40P01'
const LOCK_TIMEOUT = '55P03'
const CONNECTION_CLASSES = ['08', '57']

/** Nothing of the unit happened and running it again may well succeed. */
export function isRetryable(error: unknown): boolean {
  const code = codeOf(error)
  return code === SERIALIZATION_FAILURE || code === DEADLOCK
}

/** Turns the database's waiting and absence into refusals a caller understands; the rest passes through. */
export function classify(error: unknown): never {
  const code = codeOf(error)
  if (code === LOCK_TIMEOUT) throw dbRefusals.busy()
  if (code === 'ECONNREFUSED' || CONNECTION_CLASSES.includes(code?.slice(0, 2) ?? '')) throw dbRefusals.unavailable()
  throw error
}

/** The name of the violated constraint, for the few that stand for a refusal. */
export function violatedConstraint(error: unknown): string | undefined {
  return error instanceof Error && 'constraint' in error ? String(error.constraint) : undefined
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
