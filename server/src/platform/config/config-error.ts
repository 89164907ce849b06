/** The server cannot start as it is configured. Every fault is one line: the variable, what is wrong, an example. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`Souk cannot start:\n${faults.map((fault) => `  * ${fault}`).join('\n')}`)
    this.faults = faults
  }
}
