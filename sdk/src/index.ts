export { type Bought, type BuyOptions, buy, type Paid, type Terms } from './buy.ts'
export { type DeliveryOptions, deliveryOf, type Job } from './delivery.ts'
export { BuyError, type BuyErrorDetails, type BuyFault } from './errors.ts'
export { inUsdc, usdc } from './money.ts'
export {
  type Jwk,
  type Jwks,
  type ReceiptFacts,
  type ShownReceipt,
  type Verdict,
  verifyReceipt,
  verifyReceipts,
} from './receipt.ts'
export { createSouk, type Souk, type SoukOptions } from './souk.ts'
export { memoryStore, type PurchaseStore, type TextStorage, type WebStoreOptions, webStore } from './store.ts'
export { TOKENS, type Token } from './tokens.ts'
export {
  type EvmAccount,
  type EvmWalletOptions,
  evmWallet,
  type Outstanding,
  type Signed,
  type Wallet,
} from './wallet.ts'
export {
  type HeaderBag,
  type JustPayAIDelivery,
  verifyJustPayAISignature,
  verifyWebhook,
  type WebhookDelivery,
  WebhookError,
  type WebhookEvent,
} from './webhook.ts'
export type { Problem, paths } from './wire.ts'
export type { Requirement } from './x402.ts'
