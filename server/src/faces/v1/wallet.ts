import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { isId } from '#kernel/id'
import { undeliveredOf } from '#orders'
import type { Tx } from '#platform/db'
import { callerOf } from '#platform/http/caller'
import { rules } from '#platform/http/rules'
import { bodyOptional } from '#platform/http/validation'
import {
  cancelWithdrawal,
  defaultAddress,
  emergencyAddressOf,
  freezeInstead,
  panic,
  payoutOfParty,
  reportDeposits,
  requireMinimum,
  setDefaultAddress,
  TRANSACTION_TYPES,
  transactionsOf,
  walletRefusals,
  withdraw,
  withdrawalsOf,
} from '#wallet'
import { MicrosInput, MicrosView, microsOf } from './amounts.ts'
import type { V1Context } from './context.ts'
import { PageQuery, PaginationView, pageOf, paginationView } from './paging.ts'
import {
  BalanceView,
  balanceView,
  DepositsView,
  depositsView,
  TransactionView,
  transactionView,
  WithdrawalView,
  withdrawalView,
} from './wallet-view.ts'

type WalletContext = Pick<
  V1Context,
  | 'store'
  | 'read'
  | 'answer'
  | 'engine'
  | 'wallet'
  | 'wallets'
  | 'walletBalances'
  | 'depositAddressOf'
  | 'assignDepositAddress'
  | 'otherDepositPlacesOf'
>
type Face = (souk: WalletContext) => FastifyPluginAsyncTypebox

const tags = ['Wallet']
const strict = { additionalProperties: false }
const read = rules({ auth: 'key' })
const move = rules({ auth: 'key', scope: 'withdraw', limit: 'money' })

const AddressBody = Type.Object({ address: Type.String({ minLength: 1, maxLength: 100 }) }, strict)
const WithdrawBody = Type.Object(
  {
    amount: MicrosInput,
    network: Type.Optional(Type.String({ maxLength: 32, description: 'solana, unless you say base' })),
  },
  strict,
)
const PanicBody = Type.Object(
  { cancelOrders: Type.Optional(Type.Boolean({ description: 'First cancel your undelivered orders as buyer.' })) },
  strict,
)
const DepositPlaceView = Type.Object({
  address: Type.String(),
  network: Type.String({ description: 'base' }),
  token: Type.String(),
  chain: Type.String({ description: 'CAIP-2 id of the network.' }),
  contract: Type.String({ description: 'USDC on it; anything else sent there is lost.' }),
})
const NothingBody = Type.Object({}, strict)
const Params = Type.Object({ id: Type.String() })
const TransactionsQuery = Type.Object({
  ...PageQuery.properties,
  type: Type.Optional(Type.Union(TRANSACTION_TYPES.map((type) => Type.Literal(type)))),
})

/** JustPayAI's wallet: balances, deposits, the withdrawal address, withdrawals, panic and the history (JP-137 to JP-152). */
export const walletRoutes: Face = (souk) => async (app) => {
  await app.register(balance(souk))
  await app.register(deposits(souk))
  await app.register(addresses(souk))
  await app.register(withdrawing(souk))
  await app.register(withdrawals(souk))
  await app.register(rescue(souk))
  await app.register(history(souk))
}

const balance: Face = (souk) => async (app) => {
  const schema = { tags, summary: 'Your balances; looks for new deposits first', response: { 200: BalanceView } }
  app.get('/wallet/balance', { config: read, schema }, async (request) => {
    const { partyId } = callerOf(request)
    const { network } = souk.wallet.rail
    const chainAnswered = await souk.wallet.tryScan(partyId)
    const [balances, saved, now] = await Promise.all([
      souk.walletBalances(partyId),
      defaultAddress(souk.read, { partyId, network }),
      souk.store.now(),
    ])
    const total = balances.available + balances.pending + balances.escrowed
    return balanceView({ balances: { ...balances, total }, saved, now, chainAnswered })
  })
}

const deposits: Face = (souk) => async (app) => {
  const Address = Type.Object({
    ...{ address: Type.String(), network: Type.String(), token: Type.String() },
    others: Type.Optional(Type.Array(DepositPlaceView, { description: 'Your addresses on other networks.' })),
  })
  const where = { tags, summary: 'Where to deposit USDC', response: { 200: Address } }
  app.get('/wallet/deposit-address', { config: read, schema: where }, async (request) => {
    const { partyId } = callerOf(request)
    const address =
      (await souk.depositAddressOf(partyId)) ??
      (await souk.store.transact((tx) => souk.assignDepositAddress(tx, partyId)))
    const others = await souk.otherDepositPlacesOf(partyId)
    const place = { address, network: souk.wallet.rail.network, token: 'USDC' }
    return others.length === 0 ? place : { ...place, others: [...others] }
  })

  const summary = 'Look for new deposits, credit them, activate'
  const schema = { tags, summary, body: NothingBody, response: { 200: DepositsView } }
  const config = rules({ auth: 'key', limit: 'money' })
  app.post('/wallet/confirm-deposit', { config, schema, preValidation: bodyOptional }, async (request, reply) => {
    const { partyId } = callerOf(request)
    const { network } = souk.wallet.rail
    await souk.wallet.scan(partyId)
    return souk.answer(request, reply, 200, async (tx) => depositsView(await reportDeposits(tx, { partyId, network })))
  })
}

const addresses: Face = (souk) => async (app) => {
  const Changed = Type.Object({
    message: Type.String(),
    cooldownUntil: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  })
  const summary = 'Where withdrawals go; a change takes a day to take effect'
  const schema = { tags, summary, body: AddressBody, response: { 200: Changed } }
  const messages = {
    set: 'Withdrawal address set',
    changed: 'Withdrawal address changed. 24h security cooldown started.',
    unchanged: 'This is your withdrawal address already',
  }
  app.put('/wallet/withdrawal-address', { config: move, schema }, async (request, reply) => {
    const { partyId } = callerOf(request)
    // How an address is written says which network it is on.
    const wallet = souk.wallets.find(({ rail }) => rail.isWalletAddress(request.body.address)) ?? souk.wallet
    const { rail, settings } = wallet
    const address = rail.canonical(request.body.address)
    await wallet.checkWallet(address)
    return souk.answer(request, reply, 200, async (tx) => {
      const changed = await setDefaultAddress(tx, { partyId, network: rail.network, address, settings })
      return { message: messages[changed.change], cooldownUntil: changed.cooldownUntil?.toISOString() ?? null }
    })
  })
}

const withdrawing: Face = (souk) => async (app) => {
  const Queued = Type.Object({
    message: Type.String(),
    transactionId: Type.String(),
    fee: MicrosView,
    netAmount: MicrosView,
  })
  const summary = 'Withdraw to your saved address'
  const schema = { tags, summary, body: WithdrawBody, response: { 200: Queued } }
  app.post('/wallet/withdraw', { config: move, schema }, async (request, reply) => {
    const { partyId, keyId } = callerOf(request)
    const wallet = walletOver(souk, request.body.network ?? souk.wallet.rail.network)
    const { rail, settings } = wallet
    const amount = microsOf(request.body.amount)
    requireMinimum(amount, settings)
    const checked = await wallet.payableAddress(partyId)
    return souk.answer(request, reply, 200, async (tx) => {
      const order = { partyId, keyId, network: rail.network, amount, checked, settings }
      const { id, fee, net } = await withdraw(tx, order)
      const message = 'Withdrawal queued for processing'
      return { message, transactionId: id, fee: String(fee), netAmount: String(net) }
    })
  })
}

function walletOver({ wallets }: WalletContext, network: string) {
  const found = wallets.find(({ rail }) => rail.network === network)
  if (found) return found
  throw walletRefusals.network_not_served({ network, networks: wallets.map(({ rail }) => rail.network).join(', ') })
}

const withdrawals: Face = (souk) => async (app) => {
  const List = Type.Object({ withdrawals: Type.Array(WithdrawalView), pagination: PaginationView })
  const list = { tags, summary: 'Your withdrawals, newest first', querystring: PageQuery, response: { 200: List } }
  app.get('/wallet/withdrawals', { config: read, schema: list }, async (request) => {
    const { partyId } = callerOf(request)
    const page = pageOf(request.query)
    const { items, total } = await withdrawalsOf(souk.read, { partyId, page })
    return { withdrawals: items.map(withdrawalView), pagination: paginationView(page, total) }
  })

  const one = { tags, summary: 'One of your withdrawals', params: Params, response: { 200: WithdrawalView } }
  app.get('/wallet/withdrawals/:id', { config: read, schema: one }, async (request) => {
    const { id } = request.params
    const payout = isId(id) ? await payoutOfParty(souk.read, { partyId: callerOf(request).partyId, id }) : undefined
    if (!payout) throw walletRefusals.withdrawal_unknown()
    return withdrawalView(payout)
  })

  const summary = 'Take back a withdrawal that waits for the network to have money'
  const cancel = { tags, summary, params: Params, body: NothingBody, response: { 200: WithdrawalView } }
  const options = { config: move, schema: cancel, preValidation: bodyOptional }
  app.post('/wallet/withdrawals/:id/cancel', options, async (request, reply) => {
    const { partyId } = callerOf(request)
    return souk.answer(request, reply, 200, async (tx) =>
      withdrawalView(await cancelWithdrawal(tx, { partyId, id: request.params.id })),
    )
  })
}

const RESCUED =
  'Your funds have been sent to your original deposit wallet. If you have been compromised, stop using this agent and register a new one. If this was you, simply fund your wallet again — no activation fee will be charged.'

const rescue: Face = (souk) => async (app) => {
  const Rescued = Type.Object({
    message: Type.String(),
    emergencyAddress: Type.String(),
    amountWithdrawn: MicrosView,
    transactionId: Type.String(),
  })
  const summary = 'Send everything available to your emergency address, at once'
  const schema = { tags, summary, body: PanicBody, response: { 200: Rescued } }
  app.post('/wallet/panic', { config: move, schema, preValidation: bodyOptional }, async (request, reply) => {
    const { partyId } = callerOf(request)
    const isHelpless = (await emergencyAddressOf(souk.read, partyId)) === null
    if (isHelpless) return freeze(souk, request as FastifyRequest, reply as FastifyReply)
    return souk.answer(request, reply, 200, async (tx) => {
      if (request.body.cancelOrders) await cancelOrders(souk, tx, partyId)
      const { rail, settings } = souk.wallet
      const { id, emergencyAddress, amount } = await panic(tx, { partyId, network: rail.network, settings })
      return { message: RESCUED, emergencyAddress, amountWithdrawn: String(amount), transactionId: id }
    })
  })
}

/** Whatever can still be taken back comes back; the rest runs on. */
async function cancelOrders({ engine }: WalletContext, tx: Tx, partyId: string): Promise<void> {
  const orderIds = await undeliveredOf(tx, partyId)
  await engine.moveEach(
    tx,
    orderIds.map((orderId) => ({ orderId, move: { do: 'cancel', by: partyId } })),
  )
}

/** The answer is a "no", but the freeze stands: so it is an answer of the unit of work and not a refusal (D-32). */
function freeze(souk: WalletContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { partyId } = callerOf(request)
  return souk.answer(request, reply, 409, async (tx) => {
    if ((request.body as Static<typeof PanicBody>).cancelOrders) await cancelOrders(souk, tx, partyId)
    const until = await freezeInstead(tx, { partyId, settings: souk.wallet.settings })
    const { message, code, fix, details } = walletRefusals.no_emergency_address({ until: until.toISOString() })
    return { ...details, status: 409, detail: message, error: message, code, fix, request_id: request.id }
  })
}

const history: Face = (souk) => async (app) => {
  const List = Type.Object({ transactions: Type.Array(TransactionView), pagination: PaginationView })
  const summary = 'What happened to your money, newest first'
  const schema = { tags, summary, querystring: TransactionsQuery, response: { 200: List } }
  app.get('/wallet/transactions', { config: read, schema }, async (request) => {
    const page = pageOf(request.query)
    const { type = null } = request.query
    const { items, total } = await transactionsOf(souk.read, { partyId: callerOf(request).partyId, type, page })
    return { transactions: items.map(transactionView), pagination: paginationView(page, total) }
  })
}
