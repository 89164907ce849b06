/** Why a wallet could not do what it was asked; the message may be shown to the person who asked. */
export class EvmWalletError extends Error {
  override readonly name: string = 'EvmWalletError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export class InvalidSecretKeyError extends EvmWalletError {
  override readonly name = 'InvalidSecretKeyError'
  constructor() {
    super('invalid_secret_key', 'The secret key must be 0x and the 64 hexadecimal digits of an Ethereum private key.')
  }
}

export class InvalidAddressError extends EvmWalletError {
  override readonly name = 'InvalidAddressError'
  constructor(address: string) {
    super('invalid_address', `${JSON.stringify(address.slice(0, 64))} is not an Ethereum address.`)
  }
}

export class InvalidAmountError extends EvmWalletError {
  override readonly name = 'InvalidAmountError'
  constructor(amount: unknown) {
    super('invalid_amount', `The amount must be a whole number of micro-units above 0, not ${String(amount)}.`)
  }
}

/** Amounts in micro-units. */
export class InsufficientTokensError extends EvmWalletError {
  override readonly name = 'InsufficientTokensError'
  readonly held: bigint
  readonly needed: bigint
  constructor(address: string, held: bigint, needed: bigint) {
    super(
      'insufficient_funds',
      `The wallet ${address} holds ${held} micro-units of the token and ${needed} are needed.`,
    )
    this.held = held
    this.needed = needed
  }
}

export class InsufficientGasError extends EvmWalletError {
  override readonly name = 'InsufficientGasError'
  constructor(address: string, held: bigint, needed: bigint) {
    super('insufficient_gas', `The wallet ${address} has ${held} wei for gas and ${needed} are needed.`)
  }
}

export class ChainRefusedError extends EvmWalletError {
  override readonly name = 'ChainRefusedError'
  constructor(reason: string, options?: ErrorOptions) {
    super('refused', `The chain refused the transaction: ${reason}`, options)
  }
}

export class ChainUnreachableError extends EvmWalletError {
  override readonly name = 'ChainUnreachableError'
  constructor(rpcUrl: string, options?: ErrorOptions) {
    super('unreachable', `The EVM chain at ${rpcUrl} does not answer.`, options)
  }
}
