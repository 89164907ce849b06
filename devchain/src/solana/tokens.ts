import { type Address, getAddressDecoder } from '@solana/kit'
import { isTokenProgram } from './programs.ts'
import type { AccountState, UiTokenAmount } from './records.ts'

const ACCOUNT_BYTES = 165
const MINT_BYTES = 82
const KIND_MINT = 1
const KIND_ACCOUNT = 2
const STATES = ['uninitialized', 'initialized', 'frozen']

export interface TokenAccount {
  readonly mint: Address
  readonly owner: Address
  readonly amount: bigint
  readonly state: string
  readonly delegate: Address | null
  readonly isNative: boolean
  readonly delegatedAmount: bigint
  readonly closeAuthority: Address | null
}

export interface Mint {
  readonly mintAuthority: Address | null
  readonly supply: bigint
  readonly decimals: number
  readonly isInitialized: boolean
  readonly freezeAuthority: Address | null
}

/** Reads a token account of either token program; extensions of Token-2022 behind the base layout are ignored. */
export function tokenAccountOf(account: AccountState | null): TokenAccount | null {
  if (account === null || !isTokenProgram(account.owner)) return null
  if (account.data.length !== ACCOUNT_BYTES && account.data[ACCOUNT_BYTES] !== KIND_ACCOUNT) return null
  const { key, optionalKey, u64, view } = fieldsOf(account.data)
  const state = view.getUint8(108)
  if (state === 0) return null
  return {
    mint: key(0),
    owner: key(32),
    amount: u64(64),
    delegate: optionalKey(72),
    state: STATES[state] ?? 'initialized',
    isNative: view.getUint32(109, true) === 1,
    delegatedAmount: u64(121),
    closeAuthority: optionalKey(129),
  }
}

export function mintOf(account: AccountState | null): Mint | null {
  if (account === null || !isTokenProgram(account.owner)) return null
  if (account.data.length !== MINT_BYTES && account.data[ACCOUNT_BYTES] !== KIND_MINT) return null
  const { optionalKey, u64, view } = fieldsOf(account.data)
  return {
    mintAuthority: optionalKey(0),
    supply: u64(36),
    decimals: view.getUint8(44),
    isInitialized: view.getUint8(45) === 1,
    freezeAuthority: optionalKey(46),
  }
}

/** The RPC's four ways to write one amount. `uiAmount` is a float because the protocol says so; never compute with it. */
export function uiTokenAmount(amount: bigint, decimals: number): UiTokenAmount {
  const digits = amount.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  const uiAmountString = fraction === '' ? whole : `${whole}.${fraction}`
  return { amount: amount.toString(), decimals, uiAmount: Number(uiAmountString), uiAmountString }
}

function fieldsOf(data: Uint8Array) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const key = (offset: number): Address => getAddressDecoder().decode(data, offset)
  return {
    view,
    key,
    optionalKey: (offset: number): Address | null => (view.getUint32(offset, true) === 1 ? key(offset + 4) : null),
    u64: (offset: number): bigint => view.getBigUint64(offset, true),
  }
}
