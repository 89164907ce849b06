import { getAddressDecoder } from '@solana/kit'
import type { ParsedInstruction } from './instruction-view.ts'
import { uiTokenAmount } from './tokens.ts'

/** Shape of one token instruction: the names of its accounts in order, then what its data holds. */
interface Shape {
  readonly type: string
  readonly accounts: readonly string[]
  /** The account that signs; the name changes when it is a multisig. */
  readonly signer?: string
  readonly data?: 'amount' | 'checked' | 'owner'
}

const SHAPES: Readonly<Record<number, Shape>> = {
  1: { type: 'initializeAccount', accounts: ['account', 'mint', 'owner', 'rentSysvar'] },
  3: { type: 'transfer', accounts: ['source', 'destination', 'authority'], signer: 'authority', data: 'amount' },
  4: { type: 'approve', accounts: ['source', 'delegate', 'owner'], signer: 'owner', data: 'amount' },
  5: { type: 'revoke', accounts: ['source', 'owner'], signer: 'owner' },
  7: { type: 'mintTo', accounts: ['mint', 'account', 'mintAuthority'], signer: 'mintAuthority', data: 'amount' },
  8: { type: 'burn', accounts: ['account', 'mint', 'authority'], signer: 'authority', data: 'amount' },
  9: { type: 'closeAccount', accounts: ['account', 'destination', 'owner'], signer: 'owner' },
  10: { type: 'freezeAccount', accounts: ['account', 'mint', 'freezeAuthority'], signer: 'freezeAuthority' },
  11: { type: 'thawAccount', accounts: ['account', 'mint', 'freezeAuthority'], signer: 'freezeAuthority' },
  12: {
    type: 'transferChecked',
    accounts: ['source', 'mint', 'destination', 'authority'],
    signer: 'authority',
    data: 'checked',
  },
  13: { type: 'approveChecked', accounts: ['source', 'mint', 'delegate', 'owner'], signer: 'owner', data: 'checked' },
  14: {
    type: 'mintToChecked',
    accounts: ['mint', 'account', 'mintAuthority'],
    signer: 'mintAuthority',
    data: 'checked',
  },
  15: { type: 'burnChecked', accounts: ['account', 'mint', 'authority'], signer: 'authority', data: 'checked' },
  16: { type: 'initializeAccount2', accounts: ['account', 'mint', 'rentSysvar'], data: 'owner' },
  17: { type: 'syncNative', accounts: ['account'] },
  18: { type: 'initializeAccount3', accounts: ['account', 'mint'], data: 'owner' },
  22: { type: 'initializeImmutableOwner', accounts: ['account'] },
}

const AUTHORITY_TYPES = ['mintTokens', 'freezeAccount', 'accountOwner', 'closeAccount']

export function parseToken(data: Uint8Array, accounts: readonly string[]): ParsedInstruction {
  const kind = data[0] ?? 255
  if (kind === 6) return setAuthority(data, accounts)
  if (kind === 21)
    return { type: 'getAccountDataSize', info: { mint: accounts[0], extensionTypes: ['immutableOwner'] } }
  const shape = SHAPES[kind]
  if (shape === undefined) return null
  const named = Object.fromEntries(shape.accounts.map((name, i) => [name, accounts[i]]))
  const { signer } = shape
  const cosigners = signer === undefined ? [] : accounts.slice(shape.accounts.length)
  if (signer !== undefined && cosigners.length > 0) {
    named[`multisig${signer.charAt(0).toUpperCase()}${signer.slice(1)}`] = named[signer]
    delete named[signer]
  }
  const signers = cosigners.length > 0 ? { signers: cosigners } : {}
  return { type: shape.type, info: { ...named, ...signers, ...fields(shape, data) } }
}

function fields(shape: Shape, data: Uint8Array): Readonly<Record<string, unknown>> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  switch (shape.data) {
    case 'amount':
      return { amount: view.getBigUint64(1, true).toString() }
    case 'checked':
      return { tokenAmount: uiTokenAmount(view.getBigUint64(1, true), view.getUint8(9)) }
    case 'owner':
      return { owner: getAddressDecoder().decode(data, 1) }
    default:
      return {}
  }
}

function setAuthority(data: Uint8Array, accounts: readonly string[]): ParsedInstruction {
  const authorityType = AUTHORITY_TYPES[data[1] ?? 0] ?? 'mintTokens'
  const subject = data[1] === 0 || data[1] === 1 ? 'mint' : 'account'
  const newAuthority = data[2] === 1 ? getAddressDecoder().decode(data, 3) : null
  return { type: 'setAuthority', info: { [subject]: accounts[0], authority: accounts[1], authorityType, newAuthority } }
}
