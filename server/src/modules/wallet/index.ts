export {
  type ChangedAddress,
  checkWallet,
  defaultAddress,
  setDefaultAddress,
  usableAddress,
} from './addresses/address-book.ts'
export type { SavedAddress } from './addresses/store.ts'
export { noteArrival } from './arrivals/arrivals.ts'
export { auditNetwork, chainHoldings, type NetworkAudit } from './audit.ts'
export { balancesOf, type EscrowedOf, type WalletBalances } from './balances.ts'
export { assignDepositAddress, registerHotWallet } from './deposits/assign.ts'
export { type DepositReport, reportDeposits } from './deposits/report.ts'
export { addressOfParty, type DepositAddress } from './deposits/store.ts'
export { walletRefusals } from './errors.ts'
export { findingRefusals, listFindings, type NewFinding, openFinding, resolveFinding } from './findings/findings.ts'
export type { Finding } from './findings/store.ts'
export { TRANSACTION_TYPES, type Transaction, type TransactionType, transactionsOf } from './history/history.ts'
export { cancelWithdrawal, retryPayout } from './payouts/cancel.ts'
export { withdrawalsOf } from './payouts/list.ts'
export { type OrderPayoutKind, type OrderPayouts, requestOrderPayout } from './payouts/of-orders.ts'
export { emergencyAddressOf, freezeInstead, panic } from './payouts/panic.ts'
export type { Payout, PayoutKind, PayoutState } from './payouts/payout.ts'
export { type PayoutRequest, requestPayout } from './payouts/request.ts'
export { payOutRevenue, revenueOf } from './payouts/revenue.ts'
export { allPayouts, countPayouts, payoutOfParty, payoutsOfOrder } from './payouts/store.ts'
export { type RequestedWithdrawal, requireMinimum, withdraw } from './payouts/withdraw.ts'
export type { Network, Rail } from './rail.ts'
export { createEvmRail, type EvmRailOptions } from './rails/evm/index.ts'
export { createSolanaRail, type SolanaRailOptions } from './rails/solana/index.ts'
export { DEFAULT_WALLET_SETTINGS, SANDBOX_WALLET_SETTINGS, type WalletSettings } from './settings.ts'
export { createWallet, type HotWallet, type Wallet, type WalletOptions } from './wallet.ts'
