import type { Address } from '@solana/kit'
import { invalidParams } from '../../rpc/rpc-error.ts'
import type { RpcMethods } from '../../rpc/rpc-server.ts'
import { type AccountViewOptions, accountView } from '../account-view.ts'
import type { Chain } from '../chain.ts'
import { mintOf, tokenAccountOf, uiTokenAmount } from '../tokens.ts'
import { addressesParam, addressParam, commitmentOf, inContext, type Options, optionsParam } from './params.ts'

const ENCODINGS = ['base58', 'base64', 'base64+zstd', 'jsonParsed']

export const accountMethods = (chain: Chain): RpcMethods => ({
  getBalance: ([address, options]) => {
    const at = optionsParam(options)
    return inContext(chain, at, read(chain, addressParam(address), at)?.lamports ?? 0n)
  },
  getAccountInfo: ([address, options]) => {
    const at = optionsParam(options)
    return inContext(chain, at, accountView(chain.bank, read(chain, addressParam(address), at), viewOptions(at)))
  },
  getMultipleAccounts: ([addresses, options]) => {
    const at = optionsParam(options)
    const view = { encoding: 'base64', ...viewOptions(at) }
    const accounts = addressesParam(addresses, 100).map((one) => accountView(chain.bank, read(chain, one, at), view))
    return inContext(chain, at, accounts)
  },
  getTokenAccountBalance: ([address, options]) => {
    const at = optionsParam(options)
    const account = read(chain, addressParam(address), at)
    if (account === null) throw invalidParams('could not find account')
    const token = tokenAccountOf(account)
    const decimals = token === null ? null : chain.bank.decimalsOf(token.mint)
    if (token === null || decimals === null) throw invalidParams('not a Token account')
    return inContext(chain, at, uiTokenAmount(token.amount, decimals))
  },
  getTokenSupply: ([address, options]) => {
    const at = optionsParam(options)
    const mint = mintOf(read(chain, addressParam(address), at))
    if (mint === null) throw invalidParams('not a Token mint')
    return inContext(chain, at, uiTokenAmount(mint.supply, mint.decimals))
  },
  getTokenAccountsByOwner: ([owner, filter, options]) => {
    const at = optionsParam(options)
    const matches = tokenFilter(optionsParam(filter))
    const found = chain.store.tokenAccountsOf(addressParam(owner)).flatMap((pubkey) => {
      const account = read(chain, pubkey, at)
      const token = tokenAccountOf(account)
      if (account === null || token === null || token.owner !== owner || !matches(token.mint, account.owner)) return []
      return [{ pubkey, account: accountView(chain.bank, account, viewOptions(at)) }]
    })
    return inContext(chain, at, found)
  },
})

const read = (chain: Chain, address: Address, at: Options) => chain.bank.accountAt(commitmentOf(at), address)

function tokenFilter(filter: Options): (mint: string, program: string) => boolean {
  if (filter['mint'] !== undefined) {
    const wanted = addressParam(filter['mint'])
    return (mint) => mint === wanted
  }
  const wanted = addressParam(filter['programId'])
  return (_mint, program) => program === wanted
}

function viewOptions(options: Options): AccountViewOptions {
  const encoding = options['encoding']
  if (encoding !== undefined && !ENCODINGS.includes(String(encoding))) throw invalidParams('unknown encoding')
  const slice = options['dataSlice'] as AccountViewOptions['dataSlice'] | null
  return {
    ...(encoding === undefined ? {} : { encoding: String(encoding) }),
    ...(slice === undefined || slice === null ? {} : { dataSlice: slice }),
  }
}
