import { randomUUID } from 'node:crypto'
import { type Account, openAccount } from './account.ts'
import type { Diary, What } from './diary.ts'
import type { Dice } from './dice.ts'
import type { Market } from './market.ts'
import { type Ask, NoAnswer, type Reply } from './wire.ts'

/** An agent that trades over HTTP and keeps its word to itself: whatever stays unanswered it asks for again. */
export interface Trader extends Account {
  readonly dice: Dice
  /** Asks until it is answered; sometimes twice at once, sometimes it goes away without waiting. */
  do(what: What, path: string, body?: object): Promise<Reply | null>
  read(path: string): Promise<Reply>
  deposit(amount: bigint): Promise<void>
}

export interface Shared {
  readonly market: Market
  readonly diary: Diary
  /** Hears every webhook, when there is one; each trader has a path of its own there. */
  readonly receiverUrl?: string | undefined
}

const ASKS_TWICE = 0.08
const GOES_AWAY = 0.1
const FUNDS = 60_000_000n

export async function openTrader(
  { market, diary, receiverUrl }: Shared,
  { name, dice }: { name: string; dice: Dice },
): Promise<Trader> {
  const callbackUrl = receiverUrl === undefined ? undefined : `${receiverUrl}/${name}`
  const account = await openAccount(market, { name, funds: FUNDS, callbackUrl })
  const { key, personal, depositAddress, registered } = account
  const deed = {
    what: 'register',
    by: name,
    method: 'POST',
    path: '/api/v1/auth/register',
    idempotencyKey: '',
  } as const
  diary.write({ ...deed, reply: registered, unanswered: 0 })
  return {
    ...{ ...account, dice },
    do: (what, path, body) => act({ market, diary }, { name, key, dice }, { what, path, body }),
    read: (path) => market.insist({ method: 'GET', path, key }),
    deposit: (amount) => market.chain.send(personal, depositAddress, amount),
  }
}

interface Wish {
  readonly what: What
  readonly path: string
  readonly body: object | undefined
}

async function act(
  { market, diary }: Shared,
  { name, key, dice }: Pick<Trader, 'name' | 'key' | 'dice'>,
  { what, path, body }: Wish,
): Promise<Reply | null> {
  const idempotencyKey = randomUUID()
  const deed = { what, by: name, method: 'POST', path, body, idempotencyKey }
  const ask: Ask = { method: 'POST', path, key, body, headers: { 'idempotency-key': idempotencyKey } }
  const twin = dice.chance(ASKS_TWICE) ? market.insist(ask) : undefined
  let unanswered = 0
  let reply = await market.ask(ask).catch(onlyNoAnswer)
  if (reply === null) unanswered++
  const goesAway = dice.chance(GOES_AWAY)
  if ((reply === null || reply.status >= 500) && !goesAway) reply = await market.insist(ask)
  const other = await twin
  // A success may come to one of two twins only if the other one was refused before it.
  if (other && (reply === null || reply.status >= 300)) reply = other
  diary.write({ ...deed, reply: reply === null || reply.status >= 500 ? null : reply, unanswered })
  if (other && reply && reply !== other && other.status < 300 && other.text !== reply.text)
    throw new Error(`one ${what} under one key was answered in two ways: ${reply.text} and ${other.text}`)
  return reply
}

function onlyNoAnswer(error: unknown): null {
  if (error instanceof NoAnswer) return null
  throw error
}
