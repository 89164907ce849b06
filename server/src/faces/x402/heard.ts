import { ChainUnreachable } from '#platform/chain-unreachable'
import { settlementRefusals } from '#settlement'

/** A chain that does not answer is no verdict: the asker is told to ask again, with the same payment. */
export async function heard<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ChainUnreachable) throw settlementRefusals.chain_silent({ network: error.network })
    throw error
  }
}
