import { type Static, Type } from 'typebox'
import type { DepositReport, Payout, SavedAddress, Transaction, WalletBalances } from '#wallet'
import { MicrosView } from './amounts.ts'

const TextOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'] })

export const BalanceView = Type.Object({
  available: MicrosView,
  pending: MicrosView,
  escrowed: MicrosView,
  total: MicrosView,
  withdrawalAddress: TextOrNull,
  warnings: Type.Optional(Type.Array(Type.String())),
})

const CHAIN_SILENT = 'The network did not answer just now, so a deposit of the last moments may be missing here.'

/** JP-138: `warnings` stands there only when there is something to warn of. */
export function balanceView(facts: {
  balances: WalletBalances
  saved: SavedAddress | undefined
  now: Date
  chainAnswered: boolean
}): Static<typeof BalanceView> {
  const { balances, saved, now, chainAnswered } = facts
  const warnings = [...cooldownWarning(saved, now), ...(chainAnswered ? [] : [CHAIN_SILENT])]
  return {
    available: String(balances.available),
    pending: String(balances.pending),
    escrowed: String(balances.escrowed),
    total: String(balances.total),
    withdrawalAddress: saved?.address ?? null,
    ...(warnings.length > 0 ? { warnings } : {}),
  }
}

function cooldownWarning(saved: SavedAddress | undefined, now: Date): string[] {
  if (!saved || saved.usableAt <= now) return []
  const until = saved.usableAt.toISOString()
  return [
    `Security alert: Withdrawal address was changed. Withdrawals are on hold until ${until}. If it was not you, call POST /api/v1/wallet/panic now.`,
  ]
}

export const DepositsView = Type.Object({
  message: Type.String(),
  depositsFound: Type.Integer(),
  totalCredited: Type.Optional(MicrosView),
  activationFee: Type.Optional(MicrosView),
  activated: Type.Optional(Type.Boolean()),
  emergencyAddress: Type.Optional({ ...TextOrNull, description: 'Where POST /wallet/panic pays to.' }),
  action: Type.Optional(
    Type.Object({ type: Type.Literal('set_withdrawal_address'), suggestedAddress: TextOrNull, message: Type.String() }),
  ),
})

/** JP-30 to JP-32: what was credited since the last time, or that there was nothing. */
export function depositsView(report: DepositReport): Static<typeof DepositsView> {
  if (report.found === 0) {
    return {
      message: 'No new deposits found. Make sure your USDC transfer is confirmed on-chain before retrying.',
      depositsFound: 0,
    }
  }
  return {
    message: `${report.found} deposit(s) credited to your account`,
    depositsFound: report.found,
    totalCredited: String(report.totalCredited),
    activationFee: String(report.activationFee),
    activated: report.activated,
    emergencyAddress: report.emergencyAddress,
    ...(report.withdrawalAddressSet ? {} : { action: addressAction(report.suggestedAddress) }),
  }
}

function addressAction(suggestedAddress: string | null) {
  const message = 'Set your withdrawal address to receive funds: PUT /api/v1/wallet/withdrawal-address {"address": "…"}'
  return { type: 'set_withdrawal_address' as const, suggestedAddress, message }
}

export const WithdrawalView = Type.Object({
  id: Type.String(),
  kind: Type.String({ description: 'withdrawal or panic' }),
  status: Type.String({
    description: 'requested, queued_liquidity (can be cancelled), signed, sent, confirmed, failed or cancelled',
  }),
  amount: MicrosView,
  fee: MicrosView,
  netAmount: MicrosView,
  network: Type.String(),
  address: Type.String(),
  txHash: TextOrNull,
  failure: TextOrNull,
  createdAt: Type.String(),
  endedAt: TextOrNull,
})

export function withdrawalView(payout: Payout): Static<typeof WithdrawalView> {
  return {
    id: payout.id,
    kind: payout.kind,
    status: payout.state,
    amount: String(payout.gross),
    fee: String(payout.fee),
    netAmount: String(payout.net),
    network: payout.network,
    address: payout.destination,
    txHash: payout.txHash,
    failure: payout.failure,
    createdAt: payout.createdAt.toISOString(),
    endedAt: payout.endedAt?.toISOString() ?? null,
  }
}

export const TransactionView = Type.Object({
  id: Type.String(),
  type: Type.String(),
  amount: { ...MicrosView, description: 'Micro-units, always positive; `direction` says which way.' },
  direction: Type.String({ description: 'in, out, or none: money that had been locked before' }),
  balanceChange: { ...MicrosView, description: 'What it did to the available balance, signed.' },
  status: Type.String(),
  jobId: TextOrNull,
  txHash: TextOrNull,
  createdAt: Type.String(),
})

const ABOUT_ORDERS: readonly string[] = ['escrow_lock', 'earned', 'spent', 'refund', 'dispute_fee']

export function transactionView(transaction: Transaction): Static<typeof TransactionView> {
  const { id, type, amount, balanceChange, status, subject, txHash, at } = transaction
  return {
    id,
    type,
    amount: String(amount),
    direction: balanceChange === 0n ? 'none' : balanceChange > 0n ? 'in' : 'out',
    balanceChange: String(balanceChange),
    status,
    jobId: ABOUT_ORDERS.includes(type) || type.startsWith('campaign_') ? subject : null,
    txHash,
    createdAt: at.toISOString(),
  }
}
