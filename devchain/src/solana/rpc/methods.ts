import type { RpcMethods } from '../../rpc/rpc-server.ts'
import type { Chain } from '../chain.ts'
import { accountMethods } from './account-methods.ts'
import { clusterMethods } from './cluster-methods.ts'
import { historyMethods } from './history-methods.ts'
import { soukMethods } from './souk-methods.ts'
import { transactionMethods } from './transaction-methods.ts'

export const methodsOf = (chain: Chain): RpcMethods => ({
  ...clusterMethods(chain),
  ...accountMethods(chain),
  ...historyMethods(chain),
  ...transactionMethods(chain),
  ...soukMethods(chain),
})
