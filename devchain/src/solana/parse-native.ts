import { getAddressDecoder } from '@solana/kit'
import type { ParsedInstruction } from './instruction-view.ts'

const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.byteLength)

export function parseSystem(data: Uint8Array, accounts: readonly string[]): ParsedInstruction {
  const view = viewOf(data)
  const key = (offset: number): string => getAddressDecoder().decode(data, offset)
  const [first, second] = accounts
  switch (view.getUint32(0, true)) {
    case 0: {
      const info = {
        source: first,
        newAccount: second,
        lamports: view.getBigUint64(4, true),
        space: view.getBigUint64(12, true),
      }
      return { type: 'createAccount', info: { ...info, owner: key(20) } }
    }
    case 1:
      return { type: 'assign', info: { account: first, owner: key(4) } }
    case 2:
      return { type: 'transfer', info: { source: first, destination: second, lamports: view.getBigUint64(4, true) } }
    case 4:
      return { type: 'advanceNonce', info: { nonceAccount: first, nonceAuthority: accounts[2] } }
    case 8:
      return { type: 'allocate', info: { account: first, space: view.getBigUint64(4, true) } }
    default:
      return null
  }
}

export function parseAssociatedToken(data: Uint8Array, accounts: readonly string[]): ParsedInstruction {
  const [source, account, wallet, mint, systemProgram, tokenProgram] = accounts
  const kind = data[0] ?? 0
  if (kind > 1) return null
  const info = { source, account, wallet, mint, systemProgram, tokenProgram }
  return { type: kind === 1 ? 'createIdempotent' : 'create', info }
}

export const parseMemo = (data: Uint8Array): ParsedInstruction => new TextDecoder().decode(data)
