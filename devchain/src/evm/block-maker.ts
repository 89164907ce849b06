import { RpcRefusal } from '../rpc/rpc-client.ts'
import { type Anvil, FINALIZED_AFTER_BLOCKS } from './anvil.ts'
import type { Journal, Step } from './journal.ts'

/** Holds the turn: nothing else is done to the chain meanwhile. */
export interface Turn {
  /** Takes a signed transaction, puts it into a block of its own, and answers its hash. */
  send(raw: string): Promise<string>
}

/**
 * The only one who changes the chain. One step at a time, each in the journal before anvil hears of it: what was ever
 * answered is there after kill -9, and so is what was under way, which nobody has an answer to.
 */
export class BlockMaker {
  readonly #anvil: Anvil
  readonly #journal: Journal
  readonly #finalAfterMs: number
  #headAt = 0
  #isMining = true
  #queue: Promise<unknown> = Promise.resolve()
  #finality: NodeJS.Timeout | undefined

  constructor({ anvil, journal, finalAfterMs }: { anvil: Anvil; journal: Journal; finalAfterMs: number }) {
    this.#anvil = anvil
    this.#journal = journal
    this.#finalAfterMs = finalAfterMs
  }

  /** Unix seconds of the newest block. */
  get headAt(): number {
    return this.#headAt
  }

  /** Makes every block there ever was once more. */
  async replay(genesisAt: number): Promise<void> {
    this.#headAt = genesisAt
    for (const step of this.#journal.steps()) {
      // A step that was written and never done may be refused; it was not answered, so nobody misses it.
      await this.#do(step).catch((cause: unknown) => {
        if (!(cause instanceof RpcRefusal)) throw cause
      })
      this.#headAt = step.blocks > 0 ? step.at : this.#headAt
    }
    this.#finalizeSoon()
  }

  turn<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const done = this.#queue.then(() => work({ send: (raw) => this.#send(raw) }))
    this.#queue = done.catch(() => {})
    return done
  }

  /** Empty blocks, and whatever waits in the pool in the first of them. */
  mine(blocks: number): Promise<void> {
    return this.turn(() => this.#take({ raw: null, at: this.#now(), blocks }).then(() => {}))
  }

  /** While it is off, transactions wait in the pool, as on a network that is busy. */
  setMining(on: boolean): void {
    this.#isMining = on
  }

  async close(): Promise<void> {
    clearTimeout(this.#finality)
    await this.#queue
    clearTimeout(this.#finality)
  }

  async #send(raw: string): Promise<string> {
    const hash = await this.#take({ raw, at: this.#now(), blocks: this.#isMining ? 1 : 0 })
    if (this.#isMining) this.#finalizeSoon()
    return hash
  }

  async #take(step: Step): Promise<string> {
    const seq = this.#journal.add(step)
    try {
      const hash = await this.#do(step)
      if (step.blocks > 0) this.#headAt = step.at
      return hash
    } catch (cause) {
      if (cause instanceof RpcRefusal) this.#journal.takeBack(seq)
      throw cause
    }
  }

  async #do({ raw, at, blocks }: Step): Promise<string> {
    const hash = raw === null ? '' : await this.#anvil.call<string>('eth_sendRawTransaction', raw)
    if (blocks > 0) await this.#anvil.call('evm_mine', { timestamp: at, blocks })
    return hash
  }

  /** A quiet chain makes no blocks, so what would make its last transactions final is made at once, a moment later. */
  #finalizeSoon(): void {
    if (this.#finality !== undefined) return
    this.#finality = setTimeout(() => {
      this.#finality = undefined
      // Fails only with anvil, and with it everything.
      this.mine(FINALIZED_AFTER_BLOCKS).catch(() => {})
    }, this.#finalAfterMs)
  }

  /** Blocks never go back in time. */
  #now(): number {
    return Math.max(Math.floor(Date.now() / 1000), this.#headAt)
  }
}
