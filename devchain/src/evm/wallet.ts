import { type Address, decodeFunctionResult, encodeFunctionData, getAddress, isAddress } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { TOKEN_ABI } from './token/abi.ts'
import {
  InsufficientTokensError,
  InvalidAddressError,
  InvalidAmountError,
  InvalidSecretKeyError,
} from './wallet-errors.ts'
import { ask, sendAndConfirm } from './wallet-transaction.ts'

const MAX_AMOUNT = 2n ** 128n - 1n
const TRANSFER_GAS = 100_000n

export interface Wallet {
  /** With the checksum of EIP-55. */
  readonly address: string
  /** 0x and 64 hexadecimal digits, as Ethereum wallets import it. */
  readonly secretKey: string
}

export async function createWallet(): Promise<Wallet> {
  const secretKey = generatePrivateKey()
  return { address: privateKeyToAccount(secretKey).address, secretKey }
}

/** @throws InvalidSecretKeyError */
export function walletAccount(secretKey: string): PrivateKeyAccount {
  try {
    return privateKeyToAccount(secretKey.trim() as `0x${string}`)
  } catch {
    throw new InvalidSecretKeyError()
  }
}

export interface TokenSend {
  readonly rpcUrl: string
  readonly secretKey: string
  readonly to: string
  /** Micro-units. */
  readonly amount: bigint
  readonly token: string
}

/** Sends tokens and waits until the transfer is in a block. */
export async function sendToken(send: TokenSend): Promise<{ txHash: string }> {
  const { rpcUrl, amount } = send
  const sender = walletAccount(send.secretKey)
  const [to, token] = [validAddress(send.to), validAddress(send.token)]
  if (typeof amount !== 'bigint' || amount <= 0n || amount > MAX_AMOUNT) throw new InvalidAmountError(amount)
  const held = await tokenBalance({ rpcUrl, owner: sender.address, token })
  if (held < amount) throw new InsufficientTokensError(sender.address, held, amount)
  const data = encodeFunctionData({ abi: TOKEN_ABI, functionName: 'transfer', args: [to, amount] })
  return sendAndConfirm(rpcUrl, sender, { to: token, data, gas: TRANSFER_GAS })
}

/** Asks a local chain for test tokens (micro-units) and gas. */
export async function faucet(request: {
  readonly rpcUrl: string
  readonly address: string
  readonly amount: bigint
  /** Given when the address has less than 1 ether; 1 ether by default. */
  readonly wei?: bigint
}): Promise<{ txHash: string }> {
  const { rpcUrl, amount, wei } = request
  const address = validAddress(request.address)
  if (typeof amount !== 'bigint' || amount < 0n || amount > MAX_AMOUNT) throw new InvalidAmountError(amount)
  const gas = wei === undefined ? {} : { wei: wei.toString() }
  const gift = { address, amount: amount.toString(), ...gas }
  const { hash } = await ask<{ hash: string }>(rpcUrl, 'souk_faucet', gift)
  return { txHash: hash }
}

/** Micro-units that the address holds in the newest block. */
export async function tokenBalance(request: {
  readonly rpcUrl: string
  readonly owner: string
  readonly token: string
}): Promise<bigint> {
  const args = [validAddress(request.owner)] as const
  const data = encodeFunctionData({ abi: TOKEN_ABI, functionName: 'balanceOf', args })
  const call = { to: validAddress(request.token), data }
  const answer = await ask<`0x${string}`>(request.rpcUrl, 'eth_call', call, 'latest')
  return decodeFunctionResult({ abi: TOKEN_ABI, functionName: 'balanceOf', data: answer })
}

function validAddress(value: string): Address {
  if (typeof value === 'string' && isAddress(value)) return getAddress(value)
  throw new InvalidAddressError(String(value))
}
