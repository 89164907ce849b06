import { randomBytes } from 'node:crypto'
import {
  type Address,
  address,
  appendTransactionMessageInstructions,
  type Blockhash,
  createTransactionMessage,
  getTransactionEncoder,
  type Instruction,
  lamports,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit'
import { getTransferSolInstruction } from '@solana-program/system'
import {
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getMintToCheckedInstruction,
} from '@solana-program/token'
import type { Bank } from './bank.ts'
import type { Executor } from './executor.ts'
import type { Genesis } from './genesis.ts'
import { MEMO_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import type { SolanaChainSettings } from './settings.ts'
import type { SlotClock } from './slots.ts'

const LAMPORTS_PER_SOL = 1_000_000_000n

interface FaucetParts {
  readonly bank: Bank
  readonly slots: SlotClock
  readonly executor: Executor
  readonly genesis: Genesis
  readonly settings: SolanaChainSettings
}

/** Gives test money away, by ordinary transactions that show up in the history like everybody else's. */
export class Faucet {
  readonly #parts: FaucetParts

  constructor(parts: FaucetParts) {
    this.#parts = parts
  }

  get address(): Address {
    return this.#parts.genesis.faucet.address
  }

  /** Mints tokens into the address's associated account and tops up gas below 1 SOL. */
  async give(to: Address, amountMicros: bigint, gasLamports: bigint = LAMPORTS_PER_SOL): Promise<string> {
    const { bank, genesis, settings } = this.#parts
    const mint = address(settings.mint)
    const [ata] = await findAssociatedTokenPda({ owner: to, mint, tokenProgram: TOKEN_PROGRAM })
    const { faucet: payer, mintAuthority } = genesis
    const instructions: Instruction[] = []
    if (amountMicros > 0n) {
      instructions.push(
        getCreateAssociatedTokenIdempotentInstruction({ payer, ata, owner: to, mint }),
        getMintToCheckedInstruction({
          mint,
          token: ata,
          mintAuthority,
          amount: amountMicros,
          decimals: settings.mintDecimals,
        }),
      )
    }
    if (gasLamports > 0n && (bank.account(to)?.lamports ?? 0n) < LAMPORTS_PER_SOL) {
      instructions.push(getTransferSolInstruction({ source: payer, destination: to, amount: lamports(gasLamports) }))
    }
    return this.#land(instructions)
  }

  async airdrop(to: Address, amount: bigint): Promise<string> {
    const source = this.#parts.genesis.faucet
    return this.#land([getTransferSolInstruction({ source, destination: to, amount: lamports(amount) })])
  }

  async #land(instructions: readonly Instruction[]): Promise<string> {
    const { slots, executor, genesis } = this.#parts
    const slot = slots.current
    const lifetime = {
      blockhash: slots.blockhash(slot) as Blockhash,
      lastValidBlockHeight: BigInt(slots.lastValidBlockHeight(slot)),
    }
    // Two equal gifts within a slot would be one and the same transaction but for the memo.
    const memo: Instruction = { programAddress: MEMO_PROGRAM, data: Buffer.from(randomBytes(8).toString('hex')) }
    const message = pipe(
      createTransactionMessage({ version: 0 }),
      (m) => setTransactionMessageFeePayerSigner(genesis.faucet, m),
      (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
      (m) => appendTransactionMessageInstructions([...instructions, memo], m),
    )
    const signed = await signTransactionMessageWithSigners(message)
    const wire = Uint8Array.from(getTransactionEncoder().encode(signed))
    return executor.land(executor.open(wire), { skipPreflight: false }).signature
  }
}
