import { describe, expect, test } from 'vitest'
import { movementIn, type ParsedTransaction } from './movement.ts'
import { TOKEN_PROGRAM } from './programs.ts'

const OURS = 'OurTokenAccount'
const MINT = 'Usdc'
const TOKEN_2022 = 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb'
const watched = { signature: 'sig', tokenAccount: OURS, mint: MINT }

interface Balance {
  readonly at: string
  readonly owner: string
  readonly pre?: bigint
  readonly post?: bigint
  readonly mint?: string
  readonly programId?: string
  readonly postOwner?: string
}

/** A transaction as a node shows it, from what each token account held before and after. */
function transaction(balances: readonly Balance[], instructions: readonly object[] = [], more: object = {}) {
  const side = (when: 'pre' | 'post') =>
    balances.flatMap(({ owner, mint = MINT, programId = TOKEN_PROGRAM, postOwner = owner, ...rest }, accountIndex) => {
      const amount = rest[when]
      const held = { accountIndex, mint, programId, uiTokenAmount: { amount: String(amount) } }
      return amount === undefined ? [] : [{ ...held, owner: when === 'pre' ? owner : postOwner }]
    })
  const meta = {
    err: null,
    preTokenBalances: side('pre'),
    postTokenBalances: side('post'),
    innerInstructions: [],
    ...more,
  }
  const message = { accountKeys: balances.map(({ at }) => ({ pubkey: at })), instructions }
  return { slot: 7n, blockTime: 1_700_000_000n, meta, transaction: { message } } as unknown as ParsedTransaction
}

const transfer = (source: string, destination = OURS, programId: string = TOKEN_PROGRAM) => ({
  programId,
  parsed: { type: 'transferChecked', info: { source, destination } },
})

const fromAlice: Balance = { at: 'AliceAccount', owner: 'Alice', pre: 9n, post: 4n }
const ours: Balance = { at: OURS, owner: 'Us', pre: 0n, post: 5n }

describe('D-17 what counts as a deposit', () => {
  test('the net change of the account at our address, and who owned what it came from', () => {
    expect(movementIn(transaction([fromAlice, ours], [transfer('AliceAccount')]), watched)).toEqual({
      signature: 'sig',
      slot: 7n,
      at: new Date(1_700_000_000_000),
      change: 5n,
      source: 'Alice',
    })
  })

  test('an account that was opened in the same transaction held nothing before', () => {
    const { pre: _, ...opened } = ours
    expect(movementIn(transaction([fromAlice, opened], [transfer('AliceAccount')]), watched).change).toBe(5n)
  })

  test('transfers made by programs inside count, and several of one owner are one credit', () => {
    const more = { innerInstructions: [{ instructions: [transfer('AliceAccount')] }] }
    const twice = transaction([fromAlice, ours], [transfer('AliceAccount')], more)
    expect(movementIn(twice, watched)).toMatchObject({ change: 5n, source: 'Alice' })
  })

  test('a failed transaction moved nothing', () => {
    const failed = transaction([fromAlice, ours], [transfer('AliceAccount')], { err: { InstructionError: [0, 'X'] } })
    expect(movementIn(failed, watched).change).toBe(0n)
  })

  test('another mint, or the other token program, is not money', () => {
    const spoofed = transaction([{ ...ours, mint: 'LooksLikeUsdc' }], [transfer('AliceAccount')])
    expect(movementIn(spoofed, watched).change).toBe(0n)
    const other = transaction([{ ...ours, programId: TOKEN_2022 }], [transfer('AliceAccount', OURS, TOKEN_2022)])
    expect(movementIn(other, watched).change).toBe(0n)
  })

  test('an account elsewhere that was handed to our wallet is not our account', () => {
    const handed: Balance = { at: 'Elsewhere', owner: 'Mallory', postOwner: 'Us', pre: 5n, post: 5n }
    const fresh: Balance = { at: 'Elsewhere2', owner: 'Us', post: 1_000n }
    expect(movementIn(transaction([handed, fresh]), watched).change).toBe(0n)
  })
})

describe('D-32 whose money it was', () => {
  const nobody = (balances: readonly Balance[], instructions: readonly object[]) =>
    expect(movementIn(transaction(balances, instructions), watched)).toMatchObject({ change: 5n, source: null })

  test('two owners are nobody', () => {
    const bob: Balance = { at: 'BobAccount', owner: 'Bob', pre: 3n, post: 1n }
    nobody([fromAlice, bob, ours], [transfer('AliceAccount'), transfer('BobAccount')])
  })

  test('freshly minted money came from nobody', () => {
    nobody([ours], [{ programId: TOKEN_PROGRAM, parsed: { type: 'mintTo', info: { account: OURS } } }])
  })

  test('an account that changed hands in the same transaction is nobody’s', () => {
    nobody([{ ...fromAlice, postOwner: 'Mallory' }, ours], [transfer('AliceAccount')])
  })

  test('an account opened in the same transaction is nobody’s', () => {
    const { pre: _, ...fresh } = fromAlice
    nobody([fresh, ours], [transfer('AliceAccount')])
  })

  test('money that came in a way we do not know is nobody’s', () => {
    nobody([fromAlice, ours], [{ programId: 'Unknown', accounts: [] }])
  })
})
