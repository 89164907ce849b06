/**
 * `drop` answers a signature and never lands the transaction; `accept-then-error` lands it and answers as a broken
 * proxy would (503); `error` answers 503 and lands nothing.
 */
export type FaultMode = 'drop' | 'accept-then-error' | 'error'

export const FAULT_MODES: readonly FaultMode[] = ['drop', 'accept-then-error', 'error']

/** Thrown to answer the whole HTTP request with 503, as a load balancer in front of a node would. */
export class BrokenPipeline extends Error {
  override readonly name = 'BrokenPipeline'
}

/** Faults waiting to befall the next transactions sent. */
export class FaultPlan {
  readonly #coming: FaultMode[] = []

  add(count: number, mode: FaultMode): void {
    for (let i = 0; i < count; i++) this.#coming.push(mode)
  }

  next(): FaultMode | null {
    return this.#coming.shift() ?? null
  }
}
