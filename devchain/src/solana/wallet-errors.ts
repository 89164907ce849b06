/** Why a wallet could not do what it was asked; the message may be shown to the person who asked. */
export class SolanaWalletError extends Error {
  override readonly name: string = 'SolanaWalletError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export class InvalidSecretKeyError extends SolanaWalletError {
  override readonly name = 'InvalidSecretKeyError'
  constructor() {
    super('invalid_secret_key', 'The secret key must be the base58 text of a 64-byte Solana keypair.')
  }
}

export class InvalidAddressError extends SolanaWalletError {
  override readonly name = 'InvalidAddressError'
  constructor(address: string) {
    super('invalid_address', `${JSON.stringify(address.slice(0, 64))} is not a Solana address.`)
  }
}

export class InvalidAmountError extends SolanaWalletError {
  override readonly name = 'InvalidAmountError'
  constructor(amount: unknown) {
    super('invalid_amount', `The amount must be a whole number of micro-units above 0, not ${String(amount)}.`)
  }
}

/** Amounts in micro-units. */
export class InsufficientTokensError extends SolanaWalletError {
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

export class InsufficientGasError extends SolanaWalletError {
  override readonly name = 'InsufficientGasError'
  constructor(address: string, held: bigint, needed: bigint) {
    super('insufficient_gas', `The wallet ${address} has ${held} lamports for gas and ${needed} are needed.`)
  }
}

/** The transaction was sent but never seen in a block before its blockhash expired: nothing was moved. */
export class TransactionExpiredError extends SolanaWalletError {
  override readonly name = 'TransactionExpiredError'
  readonly txHash: string
  constructor(txHash: string) {
    super('expired', `The transaction ${txHash} did not land before it expired; nothing was moved.`)
    this.txHash = txHash
  }
}

export class ChainRefusedError extends SolanaWalletError {
  override readonly name = 'ChainRefusedError'
  constructor(reason: string, options?: ErrorOptions) {
    super('refused', `The chain refused the transaction: ${reason}`, options)
  }
}

export class ChainUnreachableError extends SolanaWalletError {
  override readonly name = 'ChainUnreachableError'
  constructor(rpcUrl: string, options?: ErrorOptions) {
    super('unreachable', `The Solana chain at ${rpcUrl} does not answer.`, options)
  }
}
