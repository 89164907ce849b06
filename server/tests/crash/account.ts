import { randomUUID } from 'node:crypto'
import type { Wallet } from '@souk/devchain/solana'
import type { Market } from './market.ts'
import type { Reply } from './wire.ts'

/** An activated agent, and its wallets outside the market. */
export interface Account {
  readonly name: string
  readonly id: string
  readonly key: string
  readonly depositAddress: string
  /** Its money outside the market. */
  readonly personal: Wallet
  /** Withdrawals arrive here, and nothing else does. */
  readonly payoutWallet: Wallet
  /** Panic pays to here, and nothing else does. */
  readonly emergencyWallet: Wallet
  /** What registration answered. */
  readonly registered: Reply
}

export interface NewAccount {
  readonly name: string
  /** What is available in the end; the activation fee comes on top. */
  readonly funds: bigint
  readonly callbackUrl?: string | undefined
}

const OUTSIDE_MONEY = 2_000_000_000n
const ACTIVATION_FEE = 1_000_000n

/** Registers, deposits over the chain and says where withdrawals go; all of it through the doors. */
export async function openAccount(market: Market, { name, funds, callbackUrl }: NewAccount): Promise<Account> {
  const { chain, insist } = market
  const [personal, payoutWallet, emergencyWallet] = await Promise.all([
    chain.wallet(OUTSIDE_MONEY + funds),
    chain.wallet(0n),
    chain.wallet(0n),
  ])
  const registered = await insist({
    method: 'POST',
    path: '/api/v1/auth/register',
    body: {
      ...{ name, emergencyAddress: emergencyWallet.address },
      ...(callbackUrl === undefined ? {} : { callbackUrl }),
    },
    headers: { 'idempotency-key': randomUUID() },
  })
  if (registered.status !== 201) throw new Error(`registration failed: ${registered.text}`)
  const { agentId: id, apiKey: key, depositAddress } = registered.body
  await chain.send(personal, depositAddress, funds + ACTIVATION_FEE)
  await credited(market, key)
  const saved = await insist({
    method: 'PUT',
    path: '/api/v1/wallet/withdrawal-address',
    key,
    body: { address: payoutWallet.address },
  })
  if (saved.status !== 200) throw new Error(`no withdrawal address: ${saved.text}`)
  return { name, id, key, depositAddress, personal, payoutWallet, emergencyWallet, registered }
}

/** Asks until the deposit is final and has been credited. */
async function credited({ insist }: Market, key: string): Promise<void> {
  for (;;) {
    const { body } = await insist({ method: 'GET', path: '/api/v1/agents/me', key })
    if (body.activated) return
    await insist({ method: 'POST', path: '/api/v1/wallet/confirm-deposit', key })
  }
}
