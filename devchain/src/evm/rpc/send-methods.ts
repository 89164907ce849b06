import { keccak256 } from 'viem'
import { BrokenPipeline } from '../../rpc/fault-plan.ts'
import type { RpcMethods } from '../../rpc/rpc-server.ts'
import type { Chain } from '../chain.ts'
import { hexParam } from './params.ts'
import { refusing } from './read-methods.ts'

/** The one way to change the chain: a signed transaction. */
export const sendMethods = (chain: Chain): RpcMethods => ({
  eth_sendRawTransaction: async ([wire]) => {
    const raw = hexParam(wire)
    const fault = chain.faults.next()
    if (fault === 'drop') return keccak256(raw)
    if (fault === 'error') throw new BrokenPipeline()
    const hash = await refusing(chain.blocks.turn((turn) => turn.send(raw)))
    if (fault === 'accept-then-error') throw new BrokenPipeline()
    return hash
  },
  // Nobody's keys lie on this node.
  eth_accounts: () => [],
})
