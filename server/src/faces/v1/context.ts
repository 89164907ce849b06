import type { Proofs } from '#identity'
import type { Micros } from '#kernel/money'
import type { Page, PageRequest } from '#kernel/page'
import type { Engine } from '#orders'
import type { Market } from '#platform/config/index'
import type { Db, Store, Tx } from '#platform/db'
import type { Answer, AnswerBook } from '#platform/http/idempotency'
import type { Outbound } from '#platform/outbound/index'
import type { SchemaValidator } from '#platform/strangers-schema/index'
import type { SignIn } from '#sign-in'
import type { DirectDeps } from '#trades/direct'
import type { SellerReputation, Trust } from '#trust'
import type { Wallet } from '#wallet'
import type { ClientReputation } from './webhook-format.ts'

export interface WalletBalances {
  readonly available: Micros
  readonly pending: Micros
  readonly escrowed: Micros
}

/** How a party behaved as a buyer (JP-21 to JP-23). */
export interface BuyerConduct {
  readonly disputesFiled: number
  /** 0 to 1. */
  readonly disputeRate: number
  readonly restricted: boolean
}

export interface RatingSummary {
  /** 1 to 5; null while there are none. */
  readonly average: number | null
  readonly count: number
}

export interface GivenRating {
  readonly id: string
  readonly score: number
  readonly comment: string | null
  readonly tags: readonly string[]
  readonly createdAt: Date
}

/** An address of a party's own on a network besides Solana. */
export interface DepositPlace {
  readonly address: string
  readonly network: string
  readonly token: string
  /** CAIP-2 id of the network, and USDC's contract on it. */
  readonly chain: string
  readonly contract: string
}

/** What the composition root hands to the faces of `/api/v1`. Each face takes what it needs from it. */
export interface V1Context {
  readonly store: Store
  readonly read: Db
  /** Opens the unit of work of an unsafe route and keeps its answer for retries. */
  readonly answer: Answer
  /** The same for routes hot enough to share units of work. */
  readonly answers: AnswerBook
  /** Public address, without a slash at its end. */
  readonly publicUrl: string
  readonly outbound: Outbound
  readonly validator: SchemaValidator
  readonly engine: Engine
  /** By a wallet's signature. */
  readonly signIn: SignIn
  readonly direct: DirectDeps
  readonly trustOf: (partyId: string) => Promise<Trust>
  readonly trustsOf: DirectDeps['trustsOf']
  readonly reputationOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, ClientReputation>>
  /** Of everybody asked for, in one query. */
  readonly sellerReputationOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, SellerReputation>>
  /** What searches weigh besides words. */
  readonly proofs: Proofs
  readonly conductOf: (partyId: string) => Promise<BuyerConduct>
  readonly ratingSummaryOf: (partyId: string) => Promise<RatingSummary>
  /** Newest first. */
  readonly ratingsOf: (query: { partyId: string; page: PageRequest }) => Promise<Page<GivenRating>>
  readonly market: Market
  /** Whether services can be bought with a wallet here (D-20). */
  readonly sellsToWallets: boolean
  /** Play money: keys say so where their contract has a look for it. */
  readonly sandbox: boolean
  /** Makes PayanAgent's `signature` of receipts (PA-58). */
  readonly receiptSecret: Uint8Array
  /** Seals webhook secrets at rest. */
  readonly sealingKey: Uint8Array
  /** Over Solana; its scans look at every network. */
  readonly wallet: Wallet
  /** Over every network, Solana's first. */
  readonly wallets: readonly Wallet[]
  readonly walletBalances: (partyId: string) => Promise<WalletBalances>
  /** The party's deposit address on Solana; null when it has none. */
  readonly depositAddressOf: (partyId: string) => Promise<string | null>
  /** Gives a new party its deposit address on Solana. */
  readonly assignDepositAddress: (tx: Tx, partyId: string) => Promise<string>
  /** Where else the party may deposit; its money is the same whatever network it came over. */
  readonly otherDepositPlacesOf: (partyId: string) => Promise<readonly DepositPlace[]>
  /** May ask the chain, so never inside a unit of work. Throws when money may not be sent there (D-32). */
  readonly checkEmergencyAddress: (address: string) => Promise<void>
}
