import { type Address, address, type Base64EncodedWireTransaction, getBase64Decoder, type Signature } from '@solana/kit'
import type { Micros } from '#kernel/money'
import { ChainUnreachable } from '#platform/chain-unreachable'
import type { Outcome } from '#platform/gather'
import type { ChainStatus, Rail, SignedTransaction } from '../../rail.ts'
import { isWalletAddress, lookUp, problemsOf, tokenIn } from './accounts.ts'
import { movementIn, type ParsedTransaction } from './movement.ts'
import { referencesSince } from './references.ts'
import { connectSolana, type SolanaRpc } from './rpc.ts'
import { createSolanaSigner, type SolanaSigner } from './signer.ts'

export interface SolanaRailOptions {
  readonly rpcUrl: string
  readonly mint: string
  readonly decimals?: number
  /** Seed of every wallet of ours; at least 32 bytes. */
  readonly masterSecret: Uint8Array
  /** 32-byte seed of a separate key that pays the network's fees (`SOLANA_FEE_PAYER`). */
  readonly feePayerSeed?: Uint8Array
  /** The most one payout may carry; the signer refuses more. */
  readonly maxPayment?: Micros
  readonly priorityFeeMicroLamports?: bigint
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_MAX_PAYMENT = 1_000_000_000_000n
const HISTORY_PAGE = 1000
/** More new transactions than this on one address is an attack on our node, not custom. */
const MAX_HISTORY_PAGES = 100
const MAX_STATUSES = 256
const EXPECTED_PAGE = 20
/** Signature fees of one transaction with room for a tip, and rent of the hot wallet's token account. */
const LAMPORTS_PER_TRANSACTION = 20_000n
const LAMPORTS_KEPT = 3_000_000n
const TOKEN_INSUFFICIENT_FUNDS = 1

interface Parts {
  readonly rpc: SolanaRpc
  readonly signer: SolanaSigner
  readonly mint: Address
}

/** USDC on Solana: real JSON-RPC of any node, finalized commitment for everything that is credited. */
export async function createSolanaRail(options: SolanaRailOptions): Promise<Rail> {
  const mint = address(options.mint)
  const maxPayment = options.maxPayment ?? DEFAULT_MAX_PAYMENT
  const signer = await createSolanaSigner({
    ...options,
    decimals: options.decimals ?? 6,
    maxPayment,
    priorityFeeMicroLamports: options.priorityFeeMicroLamports ?? 0n,
  })
  const rpc = connectSolana({ rpcUrl: options.rpcUrl, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS })
  const reserved = new Set<string>([signer.hotWallet.address, signer.hotWallet.tokenAccount, signer.feePayer])
  return {
    network: 'solana',
    hotWallet: signer.hotWallet,
    feePayer: signer.feePayer,
    maxPayment,
    addressAt: signer.addressAt,
    isWalletAddress,
    canonical: (text) => text,
    problemsOf: (addresses) => problemsOf(rpc, { addresses, mint, reserved }),
    ...reading({ rpc, signer, mint }),
    ...sending({ rpc, signer, mint }),
  }
}

type Reading = Pick<
  Rail,
  | 'holdings'
  | 'spendable'
  | 'feeBalance'
  | 'canPayFees'
  | 'signaturesAfter'
  | 'unfinalizedAfter'
  | 'movement'
  | 'referencesSince'
  | 'finalizedHeight'
>

function reading({ rpc, signer, mint }: Parts): Reading {
  const feeBalance = async () => {
    const { value } = await rpc.ask((node) => node.getBalance(signer.feePayer, { commitment: 'confirmed' }))
    return BigInt(value)
  }
  return {
    holdings: async (tokenAccounts) => {
      const accounts = await lookUp(rpc, tokenAccounts, 'finalized')
      return new Map(tokenAccounts.map((at, i) => [at, tokenIn(accounts[i], mint)?.amount ?? 0n]))
    },
    spendable: async () => {
      const [account] = await lookUp(rpc, [signer.hotWallet.tokenAccount], 'confirmed')
      return tokenIn(account, mint)?.amount ?? 0n
    },
    feeBalance,
    canPayFees: async (transactions) =>
      (await feeBalance()) >= LAMPORTS_KEPT + LAMPORTS_PER_TRANSACTION * BigInt(transactions),
    signaturesAfter: (tokenAccount, last) => history(rpc, tokenAccount as Address, last as Signature | null),
    unfinalizedAfter: async (tokenAccount, last) => {
      const until = last === null ? {} : { until: last as Signature }
      const query = { commitment: 'confirmed', limit: EXPECTED_PAGE, ...until } as const
      const newest = await rpc.ask((node) => node.getSignaturesForAddress(tokenAccount as Address, query))
      return newest.filter((one) => one.confirmationStatus !== 'finalized').map(({ signature }) => signature)
    },
    movement: async (signature, tokenAccount) => {
      const parsed = await rpc.ask((node) =>
        node.getTransaction(signature as Signature, {
          encoding: 'jsonParsed',
          commitment: 'finalized',
          maxSupportedTransactionVersion: 1,
        }),
      )
      // The node listed it as finalized: one that cannot show it now lags behind, and guessing would lose money.
      if (parsed === null) throw new ChainUnreachable('solana', `transaction ${signature} is not served`)
      return movementIn(parsed as unknown as ParsedTransaction, { signature, tokenAccount, mint })
    },
    referencesSince: (since) => referencesSince(rpc, { account: signer.hotWallet.tokenAccount as Address, since }),
    finalizedHeight: () => rpc.ask((node) => node.getBlockHeight({ commitment: 'finalized' })),
  }
}

async function history(rpc: SolanaRpc, account: Address, last: Signature | null): Promise<readonly string[]> {
  const newestFirst: Signature[] = []
  for (let page = 0; page < MAX_HISTORY_PAGES; page++) {
    const before = newestFirst.at(-1)
    const found = await rpc.ask((node) =>
      node.getSignaturesForAddress(account, {
        commitment: 'finalized',
        limit: HISTORY_PAGE,
        ...(last === null ? {} : { until: last }),
        ...(before === undefined ? {} : { before }),
      }),
    )
    newestFirst.push(...found.map(({ signature }) => signature))
    if (found.length < HISTORY_PAGE) return newestFirst.reverse()
  }
  throw new ChainUnreachable('solana', `the history of ${account} is too long to read at once`)
}

type Sending = Pick<Rail, 'sign' | 'broadcast' | 'statusesOf'>

function sending({ rpc, signer }: Parts): Sending {
  return {
    sign: async (intents) => {
      if (intents.length === 0) return []
      const { value } = await rpc.ask((node) => node.getLatestBlockhash({ commitment: 'confirmed' }))
      return Promise.all(
        intents.map((intent) =>
          signer.sign(intent, value).then(
            (done): Outcome<SignedTransaction> => ({ done }),
            (refused: unknown) => ({ refused }),
          ),
        ),
      )
    },
    broadcast: async (bytes) => {
      const wire = getBase64Decoder().decode(bytes) as Base64EncodedWireTransaction
      // Without preflight a doomed transaction fails on the chain, which is an outcome; a refusal here would be none.
      await rpc.ask((node) => node.sendTransaction(wire, { encoding: 'base64', skipPreflight: true, maxRetries: 0n }))
    },
    statusesOf: async (signatures) => {
      const statuses = new Map<string, ChainStatus>()
      for (let from = 0; from < signatures.length; from += MAX_STATUSES) {
        const part = signatures.slice(from, from + MAX_STATUSES) as Signature[]
        const { value } = await rpc.ask((node) => node.getSignatureStatuses(part, { searchTransactionHistory: true }))
        for (const [i, signature] of part.entries()) statuses.set(signature, statusOf(value[i] ?? null))
      }
      return statuses
    },
  }
}

function statusOf(found: { confirmationStatus: string | null; err: unknown } | null): ChainStatus {
  if (found === null) return { state: 'missing' }
  if (found.confirmationStatus !== 'finalized') return { state: 'seen', succeeded: found.err === null }
  if (found.err === null) return { state: 'finalized', error: null }
  return { state: 'finalized', error: text(found.err), short: isShort(found.err) }
}

/** The token program's own "insufficient funds": the hot wallet's fault, not the recipient's. */
function isShort(error: unknown): boolean {
  const fault = (error as { InstructionError?: readonly unknown[] }).InstructionError?.[1]
  return Number((fault as { Custom?: unknown })?.Custom ?? -1) === TOKEN_INSUFFICIENT_FUNDS
}

function text(error: unknown): string {
  return JSON.stringify(error, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
}
