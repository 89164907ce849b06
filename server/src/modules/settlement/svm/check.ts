import { type Address, isAddress } from '@solana/kit'
import { findAssociatedTokenPda } from '@solana-program/token'
import type { Payment, Requirements } from '../payment.ts'
import { COMPUTE_BUDGET_PROGRAM, LIGHTHOUSE_PROGRAM, MEMO_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import { type Instruction, isSignedByOthers, type PartlySigned, type Transfer, transferIn } from './transaction.ts'

/** Where payments are settled: the one token, and who pays the fees. */
export interface SvmPlace {
  /** CAIP-2 */
  readonly network: string
  readonly mint: Address
  readonly relayer: Address
}

const MIN_INSTRUCTIONS = 3
const MAX_INSTRUCTIONS = 6
const SET_UNIT_LIMIT = 2
const SET_UNIT_PRICE = 3
/** 5 lamports per unit, as the standard bounds it. */
const MAX_PRICE_MICRO_LAMPORTS = 5_000_000n
/** A transfer with assertions of a wallet takes a fraction of it; what is paid for is what is asked, not what is used. */
const MAX_UNITS = 200_000
/** Each signature is paid for by whoever pays the fees: his own, and the payer's. */
const MAX_SIGNERS = 2

const MALFORMED = 'invalid_exact_svm_payload_transaction_instructions'
const UNKNOWN = ['fourth', 'fifth', 'sixth'].map((place) => `invalid_exact_svm_payload_unknown_${place}_instruction`)

/**
 * Whether a payment is for what is asked, and nothing else is in what is to be signed for it: null when it is so, else the
 * code that clients of x402 know. Asks nobody; the cheapest questions first.
 */
export async function faultOf(payment: Payment, signed: PartlySigned, place: SvmPlace): Promise<string | null> {
  const { requirements } = payment
  const fault =
    termsFaultOf(payment, place) ??
    signersFaultOf(signed, place) ??
    budgetFaultOf(signed.instructions) ??
    (await transferFaultOf(signed, { requirements, place })) ??
    extrasFaultOf(signed.instructions.slice(MIN_INSTRUCTIONS), requirements)
  if (fault !== null) return fault
  return (await isSignedByOthers(signed)) ? null : 'invalid_exact_svm_payload_signature_invalid'
}

function termsFaultOf({ requirements, accepted }: Payment, { network, mint, relayer }: SvmPlace): string | null {
  if (accepted.scheme !== 'exact' || requirements.scheme !== 'exact') return 'invalid_exact_svm_unsupported_scheme'
  if (requirements.network !== network) return 'invalid_network'
  if (accepted.network !== requirements.network) return 'invalid_exact_svm_network_mismatch'
  if (requirements.asset !== mint) return 'invalid_payment_requirements'
  const { feePayer } = requirements.extra
  if (typeof feePayer !== 'string') return 'invalid_exact_svm_payload_missing_fee_payer'
  return feePayer === relayer ? null : 'invalid_exact_svm_fee_payer_not_managed_by_facilitator'
}

/** Our signature is good for the fee and for nothing else: nothing that is done may name us. */
function signersFaultOf({ signers, instructions }: PartlySigned, { relayer }: SvmPlace): string | null {
  if (signers[0] !== relayer) return 'invalid_exact_svm_fee_payer_mismatch'
  if (signers.length > MAX_SIGNERS) return 'invalid_exact_svm_payload_excessive_signers'
  const isNamed = instructions.some(({ program, accounts }) => program === relayer || accounts.includes(relayer))
  return isNamed ? 'invalid_exact_svm_payload_transaction_fee_payer_transferring_funds' : null
}

function budgetFaultOf([limit, price, ...rest]: readonly Instruction[]): string | null {
  const count = rest.length + 2
  if (!limit || !price || count < MIN_INSTRUCTIONS || count > MAX_INSTRUCTIONS) return `${MALFORMED}_length`
  const units = budgetIn(limit, { code: SET_UNIT_LIMIT, bytes: 5 })
  if (units === null) return `${MALFORMED}_compute_limit_instruction`
  if (units.readUInt32LE(1) > MAX_UNITS) return `${MALFORMED}_compute_limit_instruction_too_high`
  const tip = budgetIn(price, { code: SET_UNIT_PRICE, bytes: 9 })
  if (tip === null) return `${MALFORMED}_compute_price_instruction`
  const isTooHigh = tip.readBigUInt64LE(1) > MAX_PRICE_MICRO_LAMPORTS
  return isTooHigh ? `${MALFORMED}_compute_price_instruction_too_high` : null
}

function budgetIn(
  { program, accounts, data }: Instruction,
  { code, bytes }: { code: number; bytes: number },
): Buffer | null {
  const isIt = program === COMPUTE_BUDGET_PROGRAM && accounts.length === 0 && data.length === bytes && data[0] === code
  return isIt ? Buffer.from(data) : null
}

async function transferFaultOf(
  { instructions, signers }: PartlySigned,
  { requirements, place }: { requirements: Requirements; place: SvmPlace },
): Promise<string | null> {
  const third = instructions[2]
  const transfer = third ? transferIn(third) : null
  if (!transfer) return 'invalid_exact_svm_payload_no_transfer_instruction'
  if (!signers.includes(transfer.authority)) return 'invalid_exact_svm_payload_signature_invalid'
  if (transfer.mint !== place.mint) return 'invalid_exact_svm_payload_mint_mismatch'
  if (!(await isPaidTo(requirements.payTo, transfer))) return 'invalid_exact_svm_payload_recipient_mismatch'
  return transfer.amount === requirements.amount ? null : 'invalid_exact_svm_payload_amount_mismatch'
}

/** Into the payee's own account of the token; what goes from there to there pays nobody. */
async function isPaidTo(payTo: string, { source, destination, mint }: Transfer): Promise<boolean> {
  if (!isAddress(payTo) || source === destination) return false
  const [account] = await findAssociatedTokenPda({ owner: payTo, mint, tokenProgram: TOKEN_PROGRAM })
  return destination === account
}

/** Wallets add assertions and everybody adds a memo, which makes two equal payments two; nothing else may be done. */
function extrasFaultOf(extras: readonly Instruction[], { extra: { memo } }: Requirements): string | null {
  const stranger = extras.findIndex(({ program }) => program !== MEMO_PROGRAM && program !== LIGHTHOUSE_PROGRAM)
  if (stranger >= 0) return UNKNOWN[stranger] ?? 'invalid_exact_svm_payload_unknown_optional_instruction'
  if (typeof memo !== 'string' || memo === '') return null
  const [said, ...others] = extras.filter(({ program }) => program === MEMO_PROGRAM)
  if (!said || others.length > 0) return 'invalid_exact_svm_payload_memo_count'
  return Buffer.from(said.data).equals(Buffer.from(memo)) ? null : 'invalid_exact_svm_payload_memo_mismatch'
}
