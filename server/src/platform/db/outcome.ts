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
const ABORTED = '25P02'
const LOCK_TIMEOUT = '55P03'
/** Connection exceptions, insufficient resources, operator intervention. */
const ABSENT_CLASSES = ['08', '53', '57']
const NETWORK_CODES = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']
/** How the driver says that its connection is gone; it has no codes for that. */
const GONE =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/

/** Nothing of the unit happened and running it again may well succeed. */
export function isRetryable(error: unknown): boolean {
  const code = codeOf(error)
  return code === SERIALIZATION_FAILURE || code === DEADLOCK
}

/** An earlier statement of the transaction failed, and this one was not even tried. */
export function isAborted(error: unknown): boolean {
  return codeOf(error) === ABORTED
}

/** Turns the database's waiting and absence into refusals a caller understands; the rest passes through. */
export function classify(error: unknown): never {
  const code = codeOf(error)
  if (code === LOCK_TIMEOUT) throw dbRefusals.busy()
  if (isAbsence(error, code)) throw dbRefusals.unavailable()
  throw error
}

/** The database itself said no, and went on: whatever was asked for was rolled back. Anything else leaves it open. */
export function isCertain(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR'
}

function isAbsence(error: unknown, code = ''): boolean {
  if (NETWORK_CODES.includes(code) || (code.length === 5 && ABSENT_CLASSES.includes(code.slice(0, 2)))) return true
  return error instanceof Error && GONE.test(error.message)
}

/** The name of the violated constraint, for the few that stand for a refusal. */
export function violatedConstraint(error: unknown): string | undefined {
  return error instanceof Error && 'constraint' in error ? String(error.constraint) : undefined
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
