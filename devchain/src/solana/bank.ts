import { type Address, lamports } from '@solana/kit'
import { LiteSVM } from 'litesvm'
import { SYSTEM_PROGRAM } from './programs.ts'
import type { AccountState } from './records.ts'
import type { Commitment, SlotClock } from './slots.ts'
import type { ChainStore } from './store.ts'
import { mintOf } from './tokens.ts'

/** The accounts: LiteSVM holds and runs them, the store remembers them. */
export class Bank {
  readonly svm: LiteSVM
  readonly #store: ChainStore
  readonly #slots: SlotClock
  readonly #programs = new Map<Address, AccountState>()
  readonly #decimals = new Map<Address, number>()

  constructor(store: ChainStore, slots: SlotClock) {
    this.#store = store
    this.#slots = slots
    // Blockhashes and replays are checked against the durable history, which LiteSVM does not know.
    this.svm = new LiteSVM().withBlockhashCheck(false).withTransactionHistory(0n)
    for (const account of store.accounts()) this.put(account)
  }

  /** The newest state; null when there is no such account. */
  account(address: Address): AccountState | null {
    const program = this.#programs.get(address)
    if (program !== undefined) return program
    const found = this.svm.getAccount(address)
    if (!found.exists || found.lamports === 0n) return null
    const { executable, data } = found
    const account = { address, lamports: BigInt(found.lamports), owner: found.programAddress, executable, data }
    // Programs are large and never change here: reading them once saves copying them for every transaction.
    if (executable) this.#programs.set(address, account as AccountState)
    return account as AccountState
  }

  accountAt(commitment: Commitment, address: Address): AccountState | null {
    if (commitment === 'processed') return this.account(address)
    const past = this.#store.accountAtEndOf(this.#slots.at(commitment), address)
    if (past === null) return this.account(address)
    return past.lamports === 0n ? null : past
  }

  put(account: AccountState): void {
    this.svm.setAccount({
      address: account.address,
      lamports: lamports(account.lamports),
      programAddress: account.owner,
      executable: account.executable,
      data: account.data,
      space: BigInt(account.data.length),
    })
  }

  /** Decimals of a mint, or null when the address is not one. */
  decimalsOf(mint: Address): number | null {
    const known = this.#decimals.get(mint)
    if (known !== undefined) return known
    const decimals = mintOf(this.account(mint))?.decimals ?? null
    if (decimals !== null) this.#decimals.set(mint, decimals)
    return decimals
  }

  /** Tells the programs what slot and time it is. */
  syncClock(): void {
    const clock = this.svm.getClock()
    const slot = BigInt(this.#slots.current)
    if (clock.slot === slot) return
    clock.slot = slot
    clock.unixTimestamp = BigInt(Math.floor(Date.now() / 1000))
    this.svm.setClock(clock)
  }
}

export const absentAccount = (address: Address): AccountState => ({
  address,
  lamports: 0n,
  owner: SYSTEM_PROGRAM,
  executable: false,
  data: new Uint8Array(),
})
