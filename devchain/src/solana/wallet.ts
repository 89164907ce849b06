import { randomBytes } from 'node:crypto'
import {
  type Address,
  createKeyPairSignerFromBytes,
  createKeyPairSignerFromPrivateKeyBytes,
  getAddressEncoder,
  getBase58Decoder,
  getBase58Encoder,
  isAddress,
  type KeyPairSigner,
} from '@solana/kit'
import {
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getTransferCheckedInstruction,
} from '@solana-program/token'
import { MEMO_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import {
  InsufficientGasError,
  InsufficientTokensError,
  InvalidAddressError,
  InvalidAmountError,
  InvalidSecretKeyError,
} from './wallet-errors.ts'
import { ask, sendAndConfirm } from './wallet-transaction.ts'

const MAX_U64 = 2n ** 64n - 1n
const FEE_LAMPORTS = 5000n
const TOKEN_ACCOUNT_LAMPORTS = 2_039_280n
const TOKEN_ACCOUNT_BYTES = 165

export interface Wallet {
  readonly address: string
  /** Base58 of the 64-byte keypair, as Solana wallets import it. */
  readonly secretKey: string
}

export async function createWallet(): Promise<Wallet> {
  const seed = randomBytes(32)
  const { address } = await createKeyPairSignerFromPrivateKeyBytes(seed)
  const secretKey = getBase58Decoder().decode(
    Buffer.concat([seed, Uint8Array.from(getAddressEncoder().encode(address))]),
  )
  return { address, secretKey }
}

/** @throws InvalidSecretKeyError */
export async function walletSigner(secretKey: string): Promise<KeyPairSigner> {
  try {
    return await createKeyPairSignerFromBytes(getBase58Encoder().encode(secretKey.trim()))
  } catch {
    throw new InvalidSecretKeyError()
  }
}

/** Address of the token account that belongs to `owner` by convention; every deposit and payout goes there. */
export async function tokenAddress(owner: string, mint: string): Promise<string> {
  const [ata] = await findAssociatedTokenPda({
    owner: validAddress(owner),
    mint: validAddress(mint),
    tokenProgram: TOKEN_PROGRAM,
  })
  return ata
}

export interface TokenSend {
  readonly rpcUrl: string
  readonly secretKey: string
  /** A wallet, whose associated token account is opened if missing, or a token account of the mint. */
  readonly to: string
  /** Micro-units. */
  readonly amount: bigint
  readonly mint: string
  readonly decimals?: number
}

/** Sends tokens and waits until the transfer is confirmed. */
export async function sendToken(send: TokenSend): Promise<{ txHash: string }> {
  const { rpcUrl, amount, decimals = 6 } = send
  const sender = await walletSigner(send.secretKey)
  const [to, mint] = [validAddress(send.to), validAddress(send.mint)]
  if (typeof amount !== 'bigint' || amount <= 0n || amount > MAX_U64) throw new InvalidAmountError(amount)
  const source = (await tokenAddress(sender.address, mint)) as Address
  const ata = (await tokenAddress(to, mint)) as Address
  const [given, opened, own] = await tokenAccounts(rpcUrl, [to, ata, source])
  const straight = given?.mint === mint
  const held = own?.amount ?? 0n
  if (held < amount) throw new InsufficientTokensError(sender.address, held, amount)
  await requireGas(rpcUrl, sender.address, straight || opened !== null ? 0n : TOKEN_ACCOUNT_LAMPORTS)
  const open = getCreateAssociatedTokenIdempotentInstruction({ payer: sender, ata, owner: to, mint })
  const destination = straight ? to : ata
  const transfer = getTransferCheckedInstruction({ source, mint, destination, authority: sender, amount, decimals })
  // Without it two equal sends within a slot would be one transaction, and only one of them would pay.
  const unique = { programAddress: MEMO_PROGRAM, data: Buffer.from(randomBytes(8).toString('hex')) }
  return sendAndConfirm(rpcUrl, sender, straight ? [transfer, unique] : [open, transfer, unique])
}

/** Opens the associated token account of `owner` (by default the payer's own), paid by the wallet. */
export async function openTokenAccount(request: {
  readonly rpcUrl: string
  readonly secretKey: string
  readonly owner?: string
  readonly mint: string
}): Promise<{ address: string; txHash: string | null }> {
  const { rpcUrl } = request
  const payer = await walletSigner(request.secretKey)
  const [owner, mint] = [validAddress(request.owner ?? payer.address), validAddress(request.mint)]
  const ata = (await tokenAddress(owner, mint)) as Address
  const [existing] = await tokenAccounts(rpcUrl, [ata])
  if (existing !== null) return { address: ata, txHash: null }
  await requireGas(rpcUrl, payer.address, TOKEN_ACCOUNT_LAMPORTS)
  const open = getCreateAssociatedTokenIdempotentInstruction({ payer, ata, owner, mint })
  return { address: ata, ...(await sendAndConfirm(rpcUrl, payer, [open])) }
}

/** Asks a local chain for test tokens (micro-units) and gas. */
export async function faucet(request: {
  readonly rpcUrl: string
  readonly address: string
  readonly amount: bigint
  /** Given when the address has less than 1 SOL; 1 SOL by default. */
  readonly lamports?: bigint
}): Promise<{ txHash: string }> {
  const { rpcUrl, amount, lamports } = request
  const address = validAddress(request.address)
  if (typeof amount !== 'bigint' || amount < 0n || amount > MAX_U64) throw new InvalidAmountError(amount)
  const gas = lamports === undefined ? {} : { lamports: lamports.toString() }
  const gift = { address, amount: amount.toString(), ...gas }
  const { signature } = await ask<{ signature: string }>(rpcUrl, 'souk_faucet', [gift])
  return { txHash: signature }
}

/** Micro-units in the associated token account of `owner`; 0 when it was never opened. */
export async function tokenBalance(request: {
  readonly rpcUrl: string
  readonly owner: string
  readonly mint: string
}): Promise<bigint> {
  const [account] = await tokenAccounts(request.rpcUrl, [await tokenAddress(request.owner, request.mint)])
  return account?.amount ?? 0n
}

function validAddress(value: string): Address {
  if (typeof value === 'string' && isAddress(value)) return value
  throw new InvalidAddressError(String(value))
}

interface ParsedTokenAccount {
  readonly data: {
    readonly parsed?: { readonly info: { readonly mint: string; readonly tokenAmount: { amount: string } } }
  }
  readonly owner: string
  readonly space: number
}

async function tokenAccounts(rpcUrl: string, addresses: readonly string[]) {
  const options = { encoding: 'jsonParsed', commitment: 'processed' }
  const { value } = await ask<{ value: (ParsedTokenAccount | null)[] }>(rpcUrl, 'getMultipleAccounts', [
    addresses,
    options,
  ])
  return value.map((account) => {
    const info =
      account?.owner === TOKEN_PROGRAM && account.space === TOKEN_ACCOUNT_BYTES ? account.data.parsed?.info : null
    return info ? { mint: info.mint, amount: BigInt(info.tokenAmount.amount) } : null
  })
}

async function requireGas(rpcUrl: string, address: string, rent: bigint): Promise<void> {
  const { value } = await ask<{ value: number }>(rpcUrl, 'getBalance', [address, { commitment: 'processed' }])
  const needed = FEE_LAMPORTS + rent
  if (BigInt(value) < needed) throw new InsufficientGasError(address, BigInt(value), needed)
}
