import { createHmac } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { previousIn, type Receipt, SETTLEMENT_TYPES, type SettlementType, type Trades } from '#receipts'
import { MicrosView } from './amounts.ts'

const MICROS_PER_CENT = 10_000n

const TextOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'] })
/** A whole number on the wire, a `bigint` up to there: no float in between. */
const Whole = (description: string) => Type.Unsafe<bigint>({ type: 'integer', description })

/** PayanAgent's fields, and what proves the receipt to everybody. */
export const ReceiptView = Type.Object({
  _id: Type.String(),
  id: Type.String(),
  buyerId: Type.String(),
  sellerId: TextOrNull,
  offerId: Type.Optional(Type.String()),
  requestId: Type.Optional(Type.String()),
  externalResourceId: Type.Optional(Type.String()),
  amountCents: Whole('Whole cents, rounded down; 0 below one cent and for other assets than USDC'),
  amountMicroUsd: Type.Optional(Whole('The exact amount: 1 USDC = 1000000')),
  currency: Type.String(),
  chain: Type.String({ description: '`souk` where the money moved inside the ledger' }),
  network: Type.String({ description: 'CAIP-2, or `souk`' }),
  txHash: { ...TextOrNull, description: 'Null inside the ledger: no chain knows of it' },
  buyerWallet: Type.Optional(Type.String()),
  settlementType: Type.Unsafe<SettlementType>({ type: 'string', enum: [...SETTLEMENT_TYPES] }),
  status: Type.Literal('confirmed'),
  delivered: Type.Optional(Type.Boolean()),
  deliveryStatus: Type.Optional(Type.Integer({ description: "HTTP status of the seller's endpoint" })),
  latencyMs: Type.Optional(Type.Integer()),
  signature: Type.String({ description: 'HMAC-SHA256 (hex), checked by us alone; `jws` is checked by anybody' }),
  emittedAt: Type.Integer({ description: 'Milliseconds since 1970' }),
  orderId: Type.String({ description: 'What was settled' }),
  form: Type.String(),
  listingId: Type.Optional(Type.String()),
  price: MicrosView,
  payout: { ...MicrosView, description: 'What reached the seller, in micro-units' },
  fee: MicrosView,
  seq: Type.String({ description: 'Place in the chain of receipts, from 1' }),
  previous: Type.String({ description: 'SHA-256 (hex) of the JWS before it' }),
  jws: Type.String({ description: 'Compact JWS; keys at /.well-known/jwks.json' }),
})

export const StatsView = Type.Object({
  totalEarnedCents: Whole('Whole cents, rounded down'),
  totalEarnedMicroUsd: Whole('Micro-units'),
  totalSpentCents: Whole('Whole cents, rounded down'),
  totalSpentMicroUsd: Whole('Micro-units'),
  receiptsSold: Whole('How often it was paid'),
  receiptsBought: Whole('How often it paid'),
})

export function receiptView(receipt: Receipt, secret: Uint8Array): Static<typeof ReceiptView> {
  const { id, buyerWallet, delivered, deliveryStatus, latencyMs, orderId, form, listingId, price, payout, fee } =
    receipt
  const signed = signedFields(receipt)
  const { offerId, requestId, ...always } = signed
  return {
    ...{ _id: id, id, ...always },
    ...said({ offerId, requestId, buyerWallet, delivered, deliveryStatus, latencyMs, listingId }),
    signature: contractSignature(signed, secret),
    ...{ orderId, form, price: String(price), payout: String(payout), fee: String(fee) },
    ...{ seq: String(receipt.seq), previous: previousIn(receipt), jws: receipt.jws },
  }
}

export function statsView({ bought, spent, sold, earned }: Trades): Static<typeof StatsView> {
  return {
    totalEarnedCents: earned / MICROS_PER_CENT,
    totalEarnedMicroUsd: earned,
    totalSpentCents: spent / MICROS_PER_CENT,
    totalSpentMicroUsd: spent,
    receiptsSold: sold,
    receiptsBought: bought,
  }
}

/** What PayanAgent's signature covers, in the order it is signed in. */
export function signedFields(receipt: Receipt) {
  const { buyerId, sellerId, offerId, requestId, asset, price, network, txHash, issuedAt, externalResourceId } = receipt
  const isMoney = asset === 'USDC'
  return {
    buyerId,
    sellerId,
    offerId,
    requestId,
    amountCents: isMoney ? price / MICROS_PER_CENT : 0n,
    currency: asset,
    chain: chainOf(network),
    network,
    txHash,
    settlementType: receipt.type,
    status: 'confirmed' as const,
    emittedAt: issuedAt.getTime(),
    ...said({ externalResourceId }),
    ...(isMoney ? { amountMicroUsd: price } : {}),
  }
}

/** Hex HMAC-SHA256 of the fields' JSON (PA-58). */
export function contractSignature(fields: ReturnType<typeof signedFields>, secret: Uint8Array): string {
  const members = Object.entries(fields).map(([name, value]) => `"${name}":${jsonOf(value)}`)
  return createHmac('sha256', secret)
    .update(`{${members.join(',')}}`)
    .digest('hex')
}

function jsonOf(value: string | number | bigint | null): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}

const CHAINS: Readonly<Record<string, string>> = {
  'eip155:8453': 'base',
  'eip155:84532': 'base-sepolia',
  'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1': 'solana-devnet',
}

function chainOf(network: string): string {
  return CHAINS[network] ?? network.split(':', 1)[0] ?? network
}

type Said<T> = { [K in keyof T]?: NonNullable<T[K]> }

/** Without what is null: PayanAgent leaves out what there is not. */
function said<T extends object>(fields: T): Said<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Said<T>
}
