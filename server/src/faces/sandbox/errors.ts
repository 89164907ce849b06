import { EvmWalletError } from '@souk/devchain/evm'
import { SolanaWalletError } from '@souk/devchain/solana'
import { defineRefusals } from '#kernel/refusal'

export const sandboxRefusals = defineRefusals({
  network_not_available: [
    'invalid',
    'The network "{network}" is not available yet; this sandbox has: {supported}',
    'Send one of these as "network".',
  ],
  sandbox_wallet: ['invalid', '{message}', 'Mend the request; POST /sandbox/faucet gives out test USDC and gas.'],
  sandbox_chain: ['unknown', '{message}', 'Send the same request again in a few seconds.'],
})

const NOT_NOW: readonly string[] = ['unreachable', 'expired']

/** What a personal wallet says in words becomes a refusal; anything else is our bug. */
export async function orRefusal<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof SolanaWalletError || error instanceof EvmWalletError)) throw error
    const { message, code } = error
    throw NOT_NOW.includes(code)
      ? sandboxRefusals.sandbox_chain({ message })
      : sandboxRefusals.sandbox_wallet({ message })
  }
}
