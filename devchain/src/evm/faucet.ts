import { type Address, encodeFunctionData } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import type { Anvil } from './anvil.ts'
import type { BlockMaker, Turn } from './block-maker.ts'
import { BASE_SEPOLIA_CHAIN_ID, BASE_SEPOLIA_USDC } from './settings.ts'
import { TOKEN_ABI } from './token/abi.ts'

const WEI_PER_ETHER = 10n ** 18n
const GAS = 200_000n
const MAX_FEE_PER_GAS = 10n ** 12n

export interface Gift {
  readonly to: Address
  readonly amountMicros: bigint
  /** Given when the address has less than 1 ether; 1 ether by default. */
  readonly gasWei?: bigint | undefined
}

interface FaucetParts {
  readonly anvil: Anvil
  readonly blocks: BlockMaker
  readonly account: PrivateKeyAccount
}

/** Gives test money away, by ordinary transactions that show up in the history like everybody else's. */
export class Faucet {
  readonly #parts: FaucetParts

  constructor(parts: FaucetParts) {
    this.#parts = parts
  }

  /** Mints tokens for the address and tops up gas below 1 ether; answers its last transaction. */
  give({ to, amountMicros, gasWei = WEI_PER_ETHER }: Gift): Promise<string> {
    const { anvil, blocks } = this.#parts
    return blocks.turn(async (turn) => {
      const held = BigInt(await anvil.call<string>('eth_getBalance', to, 'latest'))
      const value = held < WEI_PER_ETHER ? gasWei : 0n
      const gas = value > 0n || amountMicros === 0n ? await this.#land(turn, { to, value }) : null
      if (gas !== null && amountMicros === 0n) return gas
      const data = encodeFunctionData({ abi: TOKEN_ABI, functionName: 'mint', args: [to, amountMicros] })
      return this.#land(turn, { to: BASE_SEPOLIA_USDC, data })
    })
  }

  async #land(turn: Turn, call: { to: Address; value?: bigint; data?: `0x${string}` }): Promise<string> {
    const { anvil, account } = this.#parts
    const nonce = Number(await anvil.call<string>('eth_getTransactionCount', account.address, 'pending'))
    const raw = await account.signTransaction({
      ...call,
      type: 'eip1559',
      chainId: BASE_SEPOLIA_CHAIN_ID,
      nonce,
      gas: GAS,
      maxFeePerGas: MAX_FEE_PER_GAS,
      maxPriorityFeePerGas: 0n,
    })
    return turn.send(raw)
  }
}
