import type { Micros } from '#kernel/money'

/** Every documented window, limit and fee of the wallet (D-7); the defaults are the contract's. */
export interface WalletSettings {
  /** Taken once, from the first USDC an agent ever has (JP-25). */
  readonly activationFee: Micros
  readonly withdrawalMinimum: Micros
  readonly withdrawalFee: Micros
  /** How long a changed withdrawal address cannot be used (JP-141). */
  readonly addressCooldownSeconds: number
  readonly panicMinimum: Micros
  readonly panicsPerDay: number
  readonly panicFreezeSeconds: number
  /** A single deposit of this much proves its source to be the owner's wallet (D-32). */
  readonly emergencyMinimum: Micros
  /** A deposit address is emptied into the hot wallet once it holds this much. */
  readonly sweepMinimum: Micros
  /** Deposits below this are credited in silence. */
  readonly announcedMinimum: Micros
  /** How old a reading of the chain may be when only the balance is asked for. */
  readonly balanceFreshMs: number
  /** How long confirm-deposit waits for a deposit that is on its way to become final. */
  readonly finalityPatienceMs: number
  /** How often a payout under way is looked at. */
  readonly pollMs: number
  /** How often an address that was used lately is looked at; idle ones are looked at less and less often. */
  readonly depositCheckMs: number
  readonly idleDepositCheckMs: number
  /** How long a process may work on a payout before another one takes over. */
  readonly leaseMs: number
  /** Between the two looks that must both find nothing before a transaction counts as dead (D-15). */
  readonly deadAfterMs: number
  /** A payout that was not looked for on the chain for so long is, before it is signed: backups may be older than it. */
  readonly searchAfterMs: number
  /** Between two sendings of the same bytes. */
  readonly resendMs: number
  /** How long to wait before money or gas that is missing is looked for again. */
  readonly retryMs: number
}

export const DEFAULT_WALLET_SETTINGS: WalletSettings = {
  activationFee: 1_000_000n,
  withdrawalMinimum: 5_000_000n,
  withdrawalFee: 100_000n,
  addressCooldownSeconds: 86_400,
  panicMinimum: 100_000n,
  panicsPerDay: 3,
  panicFreezeSeconds: 86_400,
  emergencyMinimum: 1_000_000n,
  sweepMinimum: 1_000_000n,
  announcedMinimum: 10_000n,
  balanceFreshMs: 2000,
  finalityPatienceMs: 8000,
  pollMs: 1000,
  depositCheckMs: 5000,
  idleDepositCheckMs: 300_000,
  leaseMs: 30_000,
  deadAfterMs: 30_000,
  searchAfterMs: 120_000,
  resendMs: 2000,
  retryMs: 5000,
}

/** A local chain answers at once and costs nothing to ask, so whoever holds a payout for seconds is dead. */
export const SANDBOX_WALLET_SETTINGS: WalletSettings = {
  ...DEFAULT_WALLET_SETTINGS,
  balanceFreshMs: 0,
  finalityPatienceMs: 6000,
  pollMs: 250,
  depositCheckMs: 1000,
  idleDepositCheckMs: 30_000,
  leaseMs: 5000,
  deadAfterMs: 2000,
  searchAfterMs: 5000,
  resendMs: 1000,
  retryMs: 1000,
}
