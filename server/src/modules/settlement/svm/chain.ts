import {
  type Address,
  address,
  type Base64EncodedDataResponse,
  type Base64EncodedWireTransaction,
  createKeyPairSignerFromPrivateKeyBytes,
  createSolanaRpc,
  getBase58Decoder,
  getBase64Decoder,
  getBase64Encoder,
  getTransactionEncoder,
  type Signature,
  signBytes,
  type Transaction,
} from '@solana/kit'
import { getTokenDecoder, getTokenSize } from '@solana-program/token'
import { ChainUnreachable } from '#platform/chain-unreachable'
import { createGatherer } from '#platform/gather'
import type { SvmPlace } from './check.ts'

/** A transaction as it stands on the chain. */
export type SvmLanding = 'missing' | 'seen' | 'succeeded' | 'failed'

export interface TryOut {
  /** Null when the chain would take it, else the code of what stands against it. */
  readonly objection: string | null
  readonly left: bigint
}

export interface FullySigned {
  /** The chain's name for it: the signature of who pays the fees. */
  readonly signature: string
  readonly bytes: Uint8Array
}

/**
 * The chain on which transactions of payers are settled. Asking throws `ChainUnreachable` when it does not answer; only
 * `broadcast` may fail in any way it likes, because its outcome is unknown anyway (D-28).
 */
export interface SvmChain extends SvmPlace {
  /** Whether the chain would take it now, and what is left then on the account it is paid from. */
  tryOut(transaction: Transaction, source: Address | null): Promise<TryOut>
  /** The height up to which blocks may take any transaction whose blockhash is known by now. */
  horizon(): Promise<bigint>
  /** Asks nobody: adds the signature of who pays the fees. */
  sign(transaction: Transaction): Promise<FullySigned>
  broadcast(bytes: Uint8Array): Promise<void>
  landingOf(signature: string): Promise<SvmLanding>
  /** Those of these that succeeded for good, and those that are nowhere. */
  finalityOf(
    signatures: readonly string[],
  ): Promise<{ readonly final: readonly string[]; readonly missing: readonly string[] }>
  finalizedHeight(): Promise<bigint>
}

export interface SvmChainOptions {
  readonly rpcUrl: string
  /** CAIP-2 */
  readonly network: string
  readonly mint: string
  /** 32 bytes. */
  readonly relayerSeed: Uint8Array
  readonly timeoutMs?: number
}

type Rpc = ReturnType<typeof createSolanaRpc>

interface Asking<T> {
  send(options: { abortSignal: AbortSignal }): Promise<T>
}

type Ask = <T>(question: (rpc: Rpc) => Asking<T>) => Promise<T>

/** The most signatures a node looks up in one question. */
const MAX_STATUSES = 256
const TOKEN_INSUFFICIENT_FUNDS = 1
const FAILED = 'invalid_exact_svm_transaction_simulation_failed'

/** A Solana network over JSON-RPC. Every failure to ask is `ChainUnreachable`: then nothing is known. */
export async function createSvmChain(options: SvmChainOptions): Promise<SvmChain> {
  const { rpcUrl, network, mint, relayerSeed, timeoutMs = 10_000 } = options
  const { address: relayer, keyPair } = await createKeyPairSignerFromPrivateKeyBytes(relayerSeed)
  const rpc = createSolanaRpc(rpcUrl)
  const ask: Ask = async (question) => {
    try {
      return await question(rpc).send({ abortSignal: AbortSignal.timeout(timeoutMs) })
    } catch (error) {
      throw new ChainUnreachable(network, error)
    }
  }
  const landings = createGatherer<string, SvmLanding>({
    maxItems: MAX_STATUSES,
    run: (asked) => landingsOf(ask, asked),
  })
  return {
    ...{ network, mint: address(mint), relayer },
    tryOut: (transaction, source) => tryOut(ask, { transaction, source, network }),
    horizon: async () => {
      // Of the newest block there is: no blockhash that a payer can know lives longer.
      const { value } = await ask((to) => to.getLatestBlockhash({ commitment: 'processed' }))
      return value.lastValidBlockHeight
    },
    sign: async (transaction) => {
      const signature = await signBytes(keyPair.privateKey, transaction.messageBytes)
      const signatures = { ...transaction.signatures, [relayer]: signature }
      const bytes = Uint8Array.from(getTransactionEncoder().encode({ ...transaction, signatures }))
      return { signature: getBase58Decoder().decode(signature), bytes }
    },
    broadcast: async (bytes) => {
      const wire = getBase64Decoder().decode(bytes) as Base64EncodedWireTransaction
      // Without preflight a doomed transaction fails on the chain, which is an outcome; a refusal here would be none.
      await ask((to) => to.sendTransaction(wire, { encoding: 'base64', skipPreflight: true }))
    },
    landingOf: (signature) => landings(signature),
    finalityOf: async (asked) => {
      const found = await statusesOf(ask, asked)
      const final = asked.filter((_, i) => found[i]?.confirmationStatus === 'finalized' && found[i]?.err === null)
      return { final, missing: asked.filter((_, i) => found[i] === null) }
    },
    finalizedHeight: () => ask((to) => to.getBlockHeight({ commitment: 'finalized' })),
  }
}

async function landingsOf(ask: Ask, asked: readonly string[]) {
  const found = await statusesOf(ask, asked)
  return asked.map((_, index) => ({ done: landingOf(found[index] ?? null) }))
}

async function statusesOf(ask: Ask, asked: readonly string[]) {
  const { value } = await ask((to) =>
    to.getSignatureStatuses(asked as readonly Signature[], { searchTransactionHistory: true }),
  )
  return value
}

/** What a supermajority has voted for stays; before that a block may still be left behind. */
function landingOf(status: { confirmationStatus: string | null; err: unknown } | null): SvmLanding {
  if (status === null) return 'missing'
  if (status.confirmationStatus !== 'confirmed' && status.confirmationStatus !== 'finalized') return 'seen'
  return status.err === null ? 'succeeded' : 'failed'
}

async function tryOut(
  ask: Ask,
  { transaction, source, network }: { transaction: Transaction; source: Address | null; network: string },
): Promise<TryOut> {
  const wire = getBase64Decoder().decode(getTransactionEncoder().encode(transaction)) as Base64EncodedWireTransaction
  // As it will be, but for our signature: blockhash, balances, accounts, and what its own assertions say.
  const { value } = await ask((to) =>
    to.simulateTransaction(wire, {
      ...({ encoding: 'base64', sigVerify: false, commitment: 'processed' } as const),
      accounts: { addresses: source === null ? [] : [source], encoding: 'base64' },
    }),
  )
  const { err, accounts } = value
  if (err === null) return { objection: null, left: heldIn(accounts[0] ?? null) }
  if (isOursToMend(err)) throw new ChainUnreachable(network, new Error('who pays the fees has no money for them'))
  return { objection: isShort(err) ? 'insufficient_funds' : FAILED, left: 0n }
}

/** A token account says so in its own bytes. */
function heldIn(account: { readonly data: Base64EncodedDataResponse } | null): bigint {
  const bytes = account === null ? new Uint8Array() : getBase64Encoder().encode(account.data[0])
  return bytes.length === getTokenSize() ? getTokenDecoder().decode(bytes).amount : 0n
}

/** Fees are ours to pay, so it is no fault of the payment when they cannot be. */
function isOursToMend(error: unknown): boolean {
  return error === 'AccountNotFound' || error === 'InsufficientFundsForFee'
}

/** The token program's own "insufficient funds". */
function isShort(error: unknown): boolean {
  const fault = (error as { InstructionError?: readonly unknown[] }).InstructionError?.[1]
  return Number((fault as { Custom?: unknown } | undefined)?.Custom ?? -1) === TOKEN_INSUFFICIENT_FUNDS
}
