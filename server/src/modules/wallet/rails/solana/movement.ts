import type { Micros } from '#kernel/money'
import type { Movement } from '../../rail.ts'
import { TOKEN_PROGRAM } from './programs.ts'

/** The part of a `jsonParsed` transaction that matters here. */
export interface ParsedTransaction {
  readonly slot: bigint
  readonly blockTime: bigint | null
  readonly meta: {
    readonly err: unknown
    readonly preTokenBalances?: readonly TokenBalance[]
    readonly postTokenBalances?: readonly TokenBalance[]
    readonly innerInstructions?: readonly { readonly instructions: readonly unknown[] }[] | null
  } | null
  readonly transaction: {
    readonly message: {
      readonly accountKeys: readonly { readonly pubkey: string }[]
      readonly instructions: readonly unknown[]
    }
  }
}

interface TokenBalance {
  readonly accountIndex: number
  readonly mint: string
  readonly owner?: string
  readonly programId?: string
  readonly uiTokenAmount: { readonly amount: string }
}

interface Watched {
  readonly signature: string
  readonly tokenAccount: string
  readonly mint: string
}

/**
 * What a transaction did to the token account at this very address, whoever the account says owns it: an account made
 * elsewhere and handed to our wallet by `setAuthority` is not ours, and other mints or programs are not money (D-17).
 */
export function movementIn(parsed: ParsedTransaction, watched: Watched): Movement {
  const { signature } = watched
  const { slot, blockTime, meta } = parsed
  const at = blockTime === null ? null : new Date(Number(blockTime) * 1000)
  const still: Movement = { signature, slot, at, change: 0n, source: null }
  if (meta === null || meta.err !== null) return still
  const index = parsed.transaction.message.accountKeys.findIndex(({ pubkey }) => pubkey === watched.tokenAccount)
  if (index < 0) return still
  const change =
    amountAt(meta.postTokenBalances, index, watched.mint) - amountAt(meta.preTokenBalances, index, watched.mint)
  return { ...still, change, source: change > 0n ? sourceOf(parsed, watched) : null }
}

function amountAt(balances: readonly TokenBalance[] | undefined, index: number, mint: string): Micros {
  const own = balances?.find(({ accountIndex }) => accountIndex === index)
  if (own === undefined || own.mint !== mint || own.programId !== TOKEN_PROGRAM) return 0n
  return BigInt(own.uiTokenAmount.amount)
}

/** The one owner of all token accounts that paid in; null when there is any doubt. */
function sourceOf(parsed: ParsedTransaction, { tokenAccount }: Watched): string | null {
  const touching = instructionsOf(parsed).filter(({ to }) => to === tokenAccount)
  const owners = touching.map(({ from }) => (from === null ? null : ownerOf(parsed, from)))
  const [first = null] = owners
  return owners.every((owner) => owner === first) ? first : null
}

/** An account's owner, if it had the same one before and after. */
function ownerOf({ meta, transaction }: ParsedTransaction, account: string): string | null {
  const index = transaction.message.accountKeys.findIndex(({ pubkey }) => pubkey === account)
  const find = (balances: readonly TokenBalance[] | undefined) =>
    balances?.find(({ accountIndex }) => accountIndex === index)?.owner
  const before = find(meta?.preTokenBalances)
  const after = find(meta?.postTokenBalances)
  if (before === undefined) return null
  return after === undefined || after === before ? before : null
}

/** Everything in a transaction that may have put tokens somewhere; `from` is null where no account paid. */
function instructionsOf({ meta, transaction }: ParsedTransaction): { from: string | null; to: string }[] {
  const inner = meta?.innerInstructions?.flatMap(({ instructions }) => instructions) ?? []
  return [...transaction.message.instructions, ...inner].flatMap((instruction) => {
    const { programId, parsed } = instruction as {
      programId?: string
      parsed?: { type?: string; info?: Record<string, unknown> }
    }
    const { type = '', info = {} } = parsed ?? {}
    if (programId !== TOKEN_PROGRAM) return []
    const { source, destination, account } = info
    if (type.startsWith('transfer') && typeof destination === 'string')
      return [{ from: typeof source === 'string' ? source : null, to: destination }]
    return type.startsWith('mintTo') && typeof account === 'string' ? [{ from: null, to: account }] : []
  })
}
