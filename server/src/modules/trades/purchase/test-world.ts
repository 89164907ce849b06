import { createHash, randomBytes } from 'node:crypto'
import type { Hex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { newId } from '#kernel/id'
import type { Store } from '#platform/db'
import type { Asking, Facilitators, SettlementResult } from '#settlement'
import { signPayment } from '#tests/evm-payments'
import { createTill, type Order, type PurchaseDeps, type Till } from './buy.ts'
import type { Run, Sale } from './line.ts'
import type { Purchase } from './purchase.ts'
import { purchaseSweeps } from './sweep.ts'

export const PRICE = 10_000n
export const HASH: Hex = `0x${'cd'.repeat(32)}`
export const OUTPUT = { status: 200, contentType: 'text/plain', body: Buffer.from('done'), latencyMs: 5 }
export const SETTINGS = { leaseMs: 200, patienceMs: 1_000, pollMs: 10, strikes: 3 }

/** A till whose seller and whose chain are played, as they must fail on cue; buying over a real chain is tested in tests/contracts. */
export interface TestTill extends Till {
  readonly runs: Purchase[]
  readonly sales: Sale[]
  readonly asked: Asking[]
  /** Until it is sold, or not. */
  bought(order: Order): Promise<Purchase>
  /** What everybody has left is driven on by another process. */
  sweep(): Promise<number>
}

export interface Played {
  readonly run?: Run
  readonly settle?: (nth: number) => SettlementResult
  /** What the wallet holds. */
  readonly funds?: () => bigint
  readonly deps?: Partial<PurchaseDeps>
}

export function openTill(store: Store, { run, settle, funds, deps }: Played = {}): TestTill {
  const [runs, sales, asked]: [Purchase[], Sale[], Asking[]] = [[], [], []]
  const facilitators: Pick<Facilitators, 'verify' | 'settle'> = {
    verify: async ({ payer }) => ({ isValid: true, payer, reason: null, ...(funds ? { funds: funds() } : {}) }),
    settle: async (_payment, asking = {}) => {
      const nth = asked.push(asking)
      return settle?.(nth) ?? { state: 'settled', txHash: HASH }
    },
  }
  const till = createTill({
    ...{ store, facilitators, settings: SETTINGS, buyersOf: async (_tx, payments) => payments.map(() => newId()) },
    lines: {
      offer: {
        run: (purchase) => {
          runs.push(purchase)
          return run?.(purchase) ?? Promise.resolve({ output: OUTPUT })
        },
        conclude: async (_tx, concluded) => void sales.push(...concluded),
      },
    },
    ...deps,
  })
  const sweeps = purchaseSweeps({ store, till, log: { warn: () => {} }, olderThanMs: 0 })
  return {
    ...till,
    ...{ runs, sales, asked },
    bought: async (order) => {
      const result = await till.buy(order)
      if (result.state === 'refused') throw new Error(result.reason)
      return result.purchase
    },
    sweep: async () => {
      let ended = 0
      for (const { run: sweep } of sweeps) ended += await sweep()
      return ended
    },
  }
}

export async function orderOf(
  from: PrivateKeyAccount,
  { settlesFirst = false }: { settlesFirst?: boolean } = {},
): Promise<Order> {
  const payment = await signPayment({ from, to: `0x${'ab'.repeat(20)}`, value: PRICE })
  return {
    ware: { kind: 'offer', id: newId(), sellerId: newId(), price: PRICE, settlesFirst },
    ...{ payment, paymentId: null, input: { query: {}, body: null } },
    fingerprint: createHash('sha256').update(randomBytes(8)).digest(),
  }
}

export const someWallet = () => privateKeyToAccount(generatePrivateKey())

export const leaseOver = () => new Promise((resolve) => setTimeout(resolve, SETTINGS.leaseMs + 50))
