import { createHash } from 'node:crypto'
import {
  type Address,
  getBase64Decoder,
  getBase64Encoder,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
  getPublicKeyFromAddress,
  getTransactionDecoder,
  getTransactionEncoder,
  type SignatureBytes,
  type Transaction,
  verifySignature,
} from '@solana/kit'
import { getTransferCheckedInstructionDataDecoder, TRANSFER_CHECKED_DISCRIMINATOR } from '@solana-program/token'
import type { SignedPayment } from '../payment.ts'
import { TOKEN_PROGRAM } from './programs.ts'

export interface Instruction {
  readonly program: Address
  readonly accounts: readonly Address[]
  readonly data: Uint8Array
}

/** A checked transfer of tokens, by a single authority. */
export interface Transfer {
  readonly source: Address
  readonly mint: Address
  readonly destination: Address
  readonly authority: Address
  readonly amount: bigint
}

/** A transaction signed by its payer and not yet by who pays its fees. */
export interface PartlySigned {
  readonly transaction: Transaction
  /** SHA-256 of what is signed, as hex: the chain takes it once while its blockhash is young. */
  readonly messageHash: string
  /** Who must sign; the first pays the fees. */
  readonly signers: readonly Address[]
  readonly instructions: readonly Instruction[]
  /** The first checked transfer in it. */
  readonly transfer: Transfer | null
  /** Whose money it moves; where it moves none, whoever signed it. */
  readonly payer: Address
}

/** As large as a packet of the network. */
const MAX_BYTES = 1232
const TRANSFER_DATA_BYTES = 10
const TRANSFER_ACCOUNTS = 4

/**
 * Reads `{transaction}` as it comes over the wire; null when it is none. There is one text for a transaction: what would be
 * written otherwise than it was read is not read. Lookup tables are not: they could hide what is signed.
 */
export function readTransaction(payload: unknown): PartlySigned | null {
  const text = (payload as { transaction?: unknown } | null)?.transaction
  if (typeof text !== 'string' || text.length > MAX_BYTES * 2) return null
  try {
    const bytes = Buffer.from(getBase64Encoder().encode(text))
    if (bytes.length > MAX_BYTES) return null
    return opened(getTransactionDecoder().decode(bytes))
  } catch {
    return null
  }
}

/** A transaction in the words that all networks share. */
export function paymentOf(signed: PartlySigned, network: string): SignedPayment {
  const { transaction, payer, messageHash: nonce, transfer } = signed
  const signature = transaction.signatures[payer]
  return {
    ...{ network, payer, nonce, amount: transfer?.amount ?? 0n },
    seal: signature ? getBase64Decoder().decode(signature) : '',
    payload: { transaction: getBase64Decoder().decode(getTransactionEncoder().encode(transaction)) },
  }
}

/** The transaction in a payment that was read before. */
export function transactionOf({ payload }: Pick<SignedPayment, 'payload'>): PartlySigned {
  const transaction = readTransaction(payload)
  if (!transaction) throw new Error('a payment that was read holds no transaction')
  return transaction
}

/** Whether everybody but who pays the fees has signed. */
export async function isSignedByOthers({ transaction, signers }: PartlySigned): Promise<boolean> {
  const [, ...others] = signers
  const verdicts = await Promise.all(
    others.map(async (signer) => {
      const signature = transaction.signatures[signer]
      return signature ? isSignature(signer, { signature, message: transaction.messageBytes }) : false
    }),
  )
  return verdicts.every(Boolean)
}

async function isSignature(
  signer: Address,
  { signature, message }: { signature: SignatureBytes; message: Transaction['messageBytes'] },
): Promise<boolean> {
  try {
    return await verifySignature(await getPublicKeyFromAddress(signer), signature, message)
  } catch {
    // Not every address is the key of somebody.
    return false
  }
}

function opened(transaction: Transaction): PartlySigned | null {
  const message = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes)
  if (message.version !== 'legacy' && message.version !== 0) return null
  const written = getCompiledTransactionMessageEncoder().encode(message)
  if (!Buffer.from(written).equals(Buffer.from(transaction.messageBytes))) return null
  if ('addressTableLookups' in message && (message.addressTableLookups?.length ?? 0) > 0) return null
  const keys = message.staticAccounts
  const keyAt = (index: number): Address => {
    const key = keys[index]
    if (key === undefined) throw new Error('an index leads nowhere')
    return key
  }
  const instructions = message.instructions.map(({ programAddressIndex, accountIndices = [], data = [] }) => ({
    program: keyAt(programAddressIndex),
    accounts: accountIndices.map(keyAt),
    data: Uint8Array.from(data),
  }))
  const signers = keys.slice(0, message.header.numSignerAccounts)
  const [feePayer, other] = signers
  if (feePayer === undefined) return null
  const transfer = instructions.map(transferIn).find((found) => found !== null) ?? null
  const messageHash = createHash('sha256').update(Uint8Array.from(transaction.messageBytes)).digest('hex')
  return { transaction, messageHash, signers, instructions, transfer, payer: transfer?.authority ?? other ?? feePayer }
}

export function transferIn({ program, accounts, data }: Instruction): Transfer | null {
  const [source, mint, destination, authority] = accounts
  if (program !== TOKEN_PROGRAM || accounts.length !== TRANSFER_ACCOUNTS) return null
  if (data.length !== TRANSFER_DATA_BYTES || data[0] !== TRANSFER_CHECKED_DISCRIMINATOR) return null
  if (!source || !mint || !destination || !authority) return null
  const { amount } = getTransferCheckedInstructionDataDecoder().decode(data)
  return { source, mint, destination, authority, amount }
}
