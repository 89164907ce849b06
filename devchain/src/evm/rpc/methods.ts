import type { FindMethod } from '../../rpc/rpc-server.ts'
import type { Chain } from '../chain.ts'
import { readMethod } from './read-methods.ts'
import { sendMethods } from './send-methods.ts'
import { soukMethods } from './souk-methods.ts'

export type { EvmChainInfo } from './souk-methods.ts'

/** Ours first; what only reads goes on to anvil; everything else is not there, for it would go past the journal. */
export function methodsOf(chain: Chain): FindMethod {
  const own = { ...sendMethods(chain), ...soukMethods(chain) }
  return (name) => (Object.hasOwn(own, name) ? own[name] : readMethod(chain, name))
}
