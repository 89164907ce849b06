import { getBase58Decoder } from '@solana/kit'
import { FailedTransactionMetadata, type TransactionMetadata } from 'litesvm'
import { absentAccount, type Bank } from './bank.ts'
import type {
  AccountState,
  InnerInstructions,
  LandedTransaction,
  TokenBalance,
  TransactionFault,
  TransactionMeta,
} from './records.ts'
import type { SlotClock } from './slots.ts'
import type { AccountChange, ChainStore } from './store.ts'
import { tokenAccountOf, uiTokenAmount } from './tokens.ts'
import { faultOf } from './transaction-fault.ts'
import { isWritable, type OpenTransaction, openTransaction } from './transactions.ts'

/** Why a transaction did not land, with what a node reports about the attempt. */
export class TransactionRefused extends Error {
  override readonly name = 'TransactionRefused'
  readonly fault: TransactionFault
  readonly logs: readonly string[]
  readonly unitsConsumed: number

  constructor(fault: TransactionFault, attempt?: TransactionMetadata) {
    super(JSON.stringify(fault))
    this.fault = fault
    this.logs = attempt?.logs() ?? []
    this.unitsConsumed = Number(attempt?.computeUnitsConsumed() ?? 0n)
  }
}

/** Runs transactions and lands them: what it returns is already on disk. */
export class Executor {
  readonly #bank: Bank
  readonly #slots: SlotClock
  readonly #store: ChainStore

  constructor(bank: Bank, slots: SlotClock, store: ChainStore) {
    this.#bank = bank
    this.#slots = slots
    this.#store = store
  }

  open(wire: Uint8Array): OpenTransaction {
    return openTransaction(wire, (address) => this.#bank.account(address))
  }

  /** The fault for which a node would not even run this transaction. */
  lifetimeFault(open: OpenTransaction): TransactionFault | null {
    if (!this.#slots.isBlockhashValid(open.blockhash)) {
      return this.#store.seqOf(open.signature) === null ? 'BlockhashNotFound' : 'AlreadyProcessed'
    }
    return this.#store.seqOf(open.signature) === null ? null : 'AlreadyProcessed'
  }

  /** @throws TransactionRefused when it cannot land, or would fail and preflight was asked for. */
  land(open: OpenTransaction, options: { readonly skipPreflight: boolean }): LandedTransaction {
    const fault = this.lifetimeFault(open)
    if (fault !== null) throw new TransactionRefused(fault)
    if (Object.values(open.transaction.signatures).includes(null)) throw new TransactionRefused('SignatureFailure')
    this.#bank.syncClock()
    if (!options.skipPreflight) {
      const attempt = this.#bank.svm.simulateTransaction(open.transaction)
      if (attempt instanceof FailedTransactionMetadata) throw new TransactionRefused(faultOf(attempt), attempt.meta())
    }
    return this.#run(open)
  }

  #run(open: OpenTransaction): LandedTransaction {
    const before = open.keys.map((key) => this.#bank.account(key))
    try {
      return this.#runAndKeep(open, before)
    } catch (cause) {
      // Whatever went wrong, a full disk included: memory must not run ahead of what is kept.
      for (const [i, key] of open.keys.entries())
        if (isWritable(open, i)) this.#bank.put(before[i] ?? absentAccount(key))
      throw cause
    }
  }

  #runAndKeep(open: OpenTransaction, before: Run['before']): LandedTransaction {
    const result = this.#bank.svm.sendTransaction(open.transaction)
    const failed = result instanceof FailedTransactionMetadata
    const attempt = failed ? result.meta() : result
    const after = open.keys.map((key, i) => (isWritable(open, i) ? this.#bank.account(key) : (before[i] ?? null)))
    const err = failed ? faultOf(result) : null
    // A transaction that paid no fee was thrown away before it ran: a block would not contain it.
    if (err !== null && total(before) === total(after)) throw new TransactionRefused(err, attempt)
    const landed: LandedTransaction = {
      signature: open.signature,
      slot: this.#slots.current,
      blockTime: Math.floor(Date.now() / 1000),
      version: open.version,
      memo: open.memo,
      wire: open.wire,
      meta: this.#meta(open, { before, after, attempt, err }),
    }
    this.#store.atomically(() => {
      for (const change of changesOf(open, before, after)) this.#store.saveAccount(change, landed.slot)
      this.#store.saveTransaction(landed, open.keys)
    })
    return landed
  }

  #meta(open: OpenTransaction, run: Run): TransactionMeta {
    return {
      err: run.err,
      status: run.err === null ? { Ok: null } : { Err: run.err },
      // Lamports are conserved but for the fee, whatever the programs did with them.
      fee: Number(total(run.before) - total(run.after)),
      preBalances: run.before.map((account) => Number(account?.lamports ?? 0n)),
      postBalances: run.after.map((account) => Number(account?.lamports ?? 0n)),
      preTokenBalances: this.#tokenBalances(run.before),
      postTokenBalances: this.#tokenBalances(run.after),
      innerInstructions: innerInstructionsOf(run.attempt),
      logMessages: run.attempt.logs(),
      loadedAddresses: open.loaded,
      computeUnitsConsumed: Number(run.attempt.computeUnitsConsumed()),
      rewards: [],
    }
  }

  #tokenBalances(accounts: readonly (AccountState | null)[]): TokenBalance[] {
    return accounts.flatMap((account, accountIndex) => {
      const token = tokenAccountOf(account)
      const decimals = token === null ? null : this.#bank.decimalsOf(token.mint)
      if (account === null || token === null || decimals === null) return []
      const uiAmount = uiTokenAmount(token.amount, decimals)
      return [{ accountIndex, mint: token.mint, owner: token.owner, programId: account.owner, uiTokenAmount: uiAmount }]
    })
  }
}

interface Run {
  readonly before: readonly (AccountState | null)[]
  readonly after: readonly (AccountState | null)[]
  readonly attempt: TransactionMetadata
  readonly err: TransactionFault | null
}

export function innerInstructionsOf(attempt: TransactionMetadata): InnerInstructions[] {
  return attempt.innerInstructions().flatMap((inner, index) => {
    const instructions = inner.map((one) => {
      const instruction = one.instruction()
      return {
        programIdIndex: instruction.programIdIndex(),
        accounts: [...instruction.accounts()],
        data: getBase58Decoder().decode(instruction.data()),
        stackHeight: one.stackHeight(),
      }
    })
    return instructions.length === 0 ? [] : [{ index, instructions }]
  })
}

const total = (accounts: readonly (AccountState | null)[]): bigint =>
  accounts.reduce((sum, account) => sum + (account?.lamports ?? 0n), 0n)

function changesOf(open: OpenTransaction, before: Run['before'], after: Run['after']): AccountChange[] {
  return open.keys.flatMap((key, i) => {
    const was = before[i] ?? absentAccount(key)
    const is = after[i] ?? absentAccount(key)
    const same = was.lamports === is.lamports && was.owner === is.owner && Buffer.compare(was.data, is.data) === 0
    return same ? [] : [{ before: was, after: is, tokenOwner: tokenAccountOf(is)?.owner ?? null }]
  })
}
