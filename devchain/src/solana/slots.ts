import { createHash } from 'node:crypto'
import { getBase58Decoder } from '@solana/kit'
import type { SolanaChainSettings } from './settings.ts'
import type { ChainStore } from './store.ts'

export type Commitment = 'processed' | 'confirmed' | 'finalized'

/** Slots promised to the disk ahead of time, so that a tick need not write and a slot never goes backwards. */
const RESERVED_SLOTS = 64

/**
 * The chain's clock. Slots follow real time while the process runs; every slot has one block whose hash is derived from
 * the chain's seed, so blockhashes survive a crash without being stored.
 */
export class SlotClock {
  readonly #store: ChainStore
  readonly #settings: SolanaChainSettings
  readonly #seed: string
  readonly #recent = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  #slot: number
  #slotStartedAt = performance.now()
  #reservedUpTo = 0

  constructor(store: ChainStore, settings: SolanaChainSettings, seed: string) {
    this.#store = store
    this.#settings = settings
    this.#seed = seed
    // A new chain begins where its first slots are final already.
    this.#slot = Number(store.fact('slot') ?? settings.finalizedAfterSlots)
    this.#enter(this.#slot + 1)
    this.#timer = setInterval(() => this.current, settings.slotMs)
    this.#timer.unref()
  }

  /** The newest slot, brought up to date with the time. */
  get current(): number {
    const elapsed = Math.floor((performance.now() - this.#slotStartedAt) / this.#settings.slotMs)
    if (elapsed > 0) {
      this.#slotStartedAt += elapsed * this.#settings.slotMs
      this.#enter(this.#slot + elapsed)
    }
    return this.#slot
  }

  advance(slots: number): number {
    this.#enter(this.current + slots)
    return this.#slot
  }

  /** The newest slot that has reached `commitment`. */
  at(commitment: Commitment): number {
    if (commitment === 'processed') return this.current
    return Math.max(0, this.current - (commitment === 'confirmed' ? 1 : this.#settings.finalizedAfterSlots))
  }

  commitmentOf(slot: number): Commitment {
    if (slot <= this.at('finalized')) return 'finalized'
    return slot <= this.at('confirmed') ? 'confirmed' : 'processed'
  }

  blockhash(slot: number): string {
    return getBase58Decoder().decode(createHash('sha256').update(`${this.#seed}:${slot}`).digest())
  }

  lastValidBlockHeight(slot: number): number {
    return slot + this.#settings.blockhashValidSlots
  }

  isBlockhashValid(blockhash: string): boolean {
    const slot = this.#recent.get(blockhash)
    return slot !== undefined && this.current <= this.lastValidBlockHeight(slot)
  }

  /** Estimated Unix seconds at which a slot began; what landed in it has its own exact time. */
  timeOf(slot: number): number {
    return Math.floor((Date.now() - (this.current - slot) * this.#settings.slotMs) / 1000)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#store.setFact('slot', String(this.#slot))
  }

  #enter(slot: number): void {
    const oldest = slot - this.#settings.blockhashValidSlots
    for (let s = Math.max(oldest, this.#recent.size === 0 ? 0 : this.#slot + 1, 0); s <= slot; s++) {
      this.#recent.set(this.blockhash(s), s)
    }
    this.#slot = slot
    for (const [hash, s] of this.#recent) {
      if (s >= oldest) break
      this.#recent.delete(hash)
    }
    if (slot > this.#reservedUpTo) this.#reserve()
  }

  #reserve(): void {
    this.#reservedUpTo = this.#slot + RESERVED_SLOTS
    this.#store.atomically(() => {
      this.#store.setFact('slot', String(this.#reservedUpTo))
      this.#store.forgetPastUpTo(this.#slot - this.#settings.finalizedAfterSlots)
    })
  }
}
