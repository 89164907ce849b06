/** Thrown when another live process holds the same data folder. */
export class ChainBusyError extends Error {
  override readonly name = 'ChainBusyError'
}
