import { type ChainDeposit, openPurse, sendBack } from '#chain-purse'
import type { Tx } from '#platform/db'
import { receiptOf } from '#receipts'
import type { Facilitators } from '#settlement'
import { authorize } from '#spending'
import type { Lines, OrderLine, Output, Purchase, Sale } from '#trades/purchase'
import { checkDraft, postRequest, REQUEST, type RequestDraft, statusOf } from '#trades/requests'
import type { Rail } from '#wallet'
import { APPROVAL } from '../faces/v1/request-settling.ts'
import type { Payee } from '../faces/x402/challenge.ts'
import type { Core, SoukOptions } from './souk.ts'

/** The rail over which money of a CAIP-2 network leaves again; undefined where none does. */
export function railOf(rails: readonly Rail[], network: string): Rail | undefined {
  const name = network.startsWith('eip155:') ? 'base' : network.startsWith('solana:') ? 'solana' : null
  return rails.find((rail) => rail.network === name)
}

/**
 * The market's own wallets, into which escrow is paid. Only where providers name their wallets: what is held on one network
 * is released there.
 */
export function houseOf(rails: readonly Rail[], facilitators: Facilitators): Payee[] {
  return facilitators.all.flatMap(({ chain }) => {
    const rail = chain.network.startsWith('eip155:') ? railOf(rails, chain.network) : undefined
    return rail ? [{ chain, payTo: rail.hotWallet.address }] : []
  })
}

/** How escrow of requests, and approvals without escrow, are bought. */
export function requestLines(options: SoukOptions & Core, rails: readonly Rail[]): Lines {
  return { [REQUEST]: escrowLine(options, rails), [APPROVAL]: approvalLine(options) }
}

function escrowLine({ engine, issueReceipts, config }: SoukOptions & Core, rails: readonly Rail[]): OrderLine {
  const depositOf = ({ purchase: { network, amount, payer }, txHash }: Sale): ChainDeposit => {
    const rail = railOf(rails, network)
    if (!rail) throw new Error(`escrow was paid over ${network}, over which nothing can leave`)
    return { network, rail, txHash, wallet: payer, amount }
  }
  return {
    reserve: async (tx, { input, amount, sellerId }) => {
      const draft = draftOf(input)
      await checkDraft(tx, draft)
      // Once more where it is placed; a frozen party is told before its money leaves its wallet.
      const key = draft.keyId === undefined ? {} : { keyId: draft.keyId }
      const payment = { partyId: draft.buyerId, ...key, amount, payeeId: sellerId, purpose: 'order' }
      const [refused] = await authorize(tx, [payment])
      if (refused) throw refused
    },
    place: async (tx, sale) => {
      const { purchase } = sale
      const id = orderIdOf(purchase)
      const order = await postRequest(tx, { engine, settings: config.market }, { id, draft: draftOf(purchase.input) })
      await openPurse(tx, { order, deposit: depositOf(sale), issueReceipts, engine })
      const escrowAmountCents = Number(purchase.amount / 10_000n)
      return answer(201, { requestId: id, status: statusOf(order), escrow: true, escrowAmountCents })
    },
    giveBack: (tx, sale) =>
      sendBack(tx, { id: orderIdOf(sale.purchase), buyerId: sale.buyerId, deposit: depositOf(sale) }),
  }
}

/** The payment goes straight to the provider. From its reservation on the order waits for it, so nothing else can end it. */
function approvalLine({ engine }: Core): OrderLine {
  const by = ({ buyerId }: Pick<Purchase, 'buyerId'>) => buyerId ?? ''
  return {
    reserve: async (tx, purchase) => {
      await engine.move(tx, { orderId: purchase.ware.id, move: { do: 'approve', by: by(purchase) } })
    },
    release: async (tx, { ware }) => {
      await engine.move(tx, { orderId: ware.id, move: { do: 'fail' } })
    },
    place: async (tx, { purchase: { ware, network, payer: wallet }, txHash }) => {
      await engine.move(tx, { orderId: ware.id, move: { do: 'land', paid: { network, txHash, wallet } } })
      const receipt = await receiptOf(tx, ware.id)
      return answer(200, { ok: true, receiptId: receipt?.id ?? null, txHash })
    },
    giveBack: async (_tx: Tx, { purchase: { id } }) => {
      throw new Error(`purchase ${id} paid a provider for an order that was not waiting for it`)
    },
  }
}

/** As its purchase has kept it. */
function draftOf(input: unknown): RequestDraft {
  const { budget, hire, ...rest } = input as Omit<RequestDraft, 'budget' | 'hire'> & {
    budget: string
    hire: { providerId: string; price: string } | null
  }
  return { ...rest, budget: BigInt(budget), hire: hire && { ...hire, price: BigInt(hire.price) } }
}

function orderIdOf({ id, orderId }: Purchase): string {
  if (orderId === null) throw new Error(`purchase ${id} is of an order without an id`)
  return orderId
}

function answer(status: number, body: object): Output {
  return { status, contentType: 'application/json', body: Buffer.from(JSON.stringify(body)), latencyMs: 0 }
}
