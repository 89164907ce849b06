import { zstdCompressSync } from 'node:zlib'
import { getBase58Decoder } from '@solana/kit'
import { INVALID_REQUEST, RpcError } from '../rpc/rpc-error.ts'
import type { Bank } from './bank.ts'
import { TOKEN_2022_PROGRAM } from './programs.ts'
import type { AccountState } from './records.ts'
import { mintOf, type TokenAccount, tokenAccountOf, uiTokenAmount } from './tokens.ts'

const MAX_BASE58_BYTES = 128
const BASE58_TOO_LONG = 'Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.'
const NEVER_PAYS_RENT = 2n ** 64n - 1n

export interface AccountViewOptions {
  readonly encoding?: string | undefined
  readonly dataSlice?: { readonly offset: number; readonly length: number } | undefined
}

/** An account in the words of `getAccountInfo`. */
export function accountView(bank: Bank, account: AccountState | null, options: AccountViewOptions) {
  if (account === null) return null
  return {
    lamports: account.lamports,
    owner: account.owner,
    executable: account.executable,
    rentEpoch: NEVER_PAYS_RENT,
    space: account.data.length,
    data: dataView(bank, account, options),
  }
}

function dataView(bank: Bank, account: AccountState, { encoding, dataSlice }: AccountViewOptions) {
  const parsed = encoding === 'jsonParsed' ? parsedData(bank, account) : null
  if (parsed !== null) {
    const program = account.owner === TOKEN_2022_PROGRAM ? 'spl-token-2022' : 'spl-token'
    return { program, parsed, space: account.data.length }
  }
  const slice = dataSlice === undefined ? account.data : sliced(account.data, dataSlice)
  if (encoding === undefined || encoding === 'base58') {
    if (slice.length > MAX_BASE58_BYTES) throw new RpcError(INVALID_REQUEST, BASE58_TOO_LONG)
    const text = getBase58Decoder().decode(slice)
    return encoding === undefined ? text : [text, encoding]
  }
  if (encoding === 'base64+zstd') return [zstdCompressSync(slice).toString('base64'), encoding]
  return [Buffer.from(slice).toString('base64'), 'base64']
}

const sliced = (data: Uint8Array, { offset, length }: { offset: number; length: number }): Uint8Array =>
  data.subarray(offset, offset + length)

function parsedData(bank: Bank, account: AccountState) {
  const token = tokenAccountOf(account)
  const decimals = token === null ? null : bank.decimalsOf(token.mint)
  if (token !== null && decimals !== null) return { type: 'account', info: tokenAccountInfo(token, decimals) }
  const mint = mintOf(account)
  if (mint === null) return null
  return { type: 'mint', info: { ...mint, supply: mint.supply.toString() } }
}

function tokenAccountInfo(token: TokenAccount, decimals: number) {
  const delegation =
    token.delegate === null
      ? {}
      : { delegate: token.delegate, delegatedAmount: uiTokenAmount(token.delegatedAmount, decimals) }
  return {
    isNative: token.isNative,
    mint: token.mint,
    owner: token.owner,
    state: token.state,
    tokenAmount: uiTokenAmount(token.amount, decimals),
    ...delegation,
    ...(token.closeAuthority === null ? {} : { closeAuthority: token.closeAuthority }),
  }
}
