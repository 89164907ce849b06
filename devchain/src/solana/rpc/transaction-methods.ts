import { type EncodedAccount, getAddressDecoder, getBase58Encoder, getBase64Encoder } from '@solana/kit'
import { FailedTransactionMetadata, type TransactionMetadata } from 'litesvm'
import { BrokenPipeline } from '../../rpc/fault-plan.ts'
import { invalidParams, PREFLIGHT_FAILURE, RpcError, SIGNATURE_VERIFICATION_FAILURE } from '../../rpc/rpc-error.ts'
import type { RpcMethods } from '../../rpc/rpc-server.ts'
import { accountView } from '../account-view.ts'
import type { Chain } from '../chain.ts'
import { innerInstructionsOf, TransactionRefused } from '../executor.ts'
import type { AccountState, TransactionFault } from '../records.ts'
import { faultOf, sentenceOf } from '../transaction-fault.ts'
import { isWritable, MAX_TRANSACTION_BYTES, type OpenTransaction } from '../transactions.ts'
import { addressesParam, addressParam, inContext, type Options, optionsParam, stringParam, u64Param } from './params.ts'

export const transactionMethods = (chain: Chain): RpcMethods => ({
  sendTransaction: ([wire, options]) => {
    const at = optionsParam(options)
    const open = chain.executor.open(wireParam(wire, at))
    const fault = chain.faults.next()
    if (fault === 'error') throw new BrokenPipeline()
    if (fault === 'drop') return open.signature
    const signature = refusing(
      () => chain.executor.land(open, { skipPreflight: at['skipPreflight'] === true }).signature,
    )
    if (fault === 'accept-then-error') throw new BrokenPipeline()
    return signature
  },
  simulateTransaction: ([wire, options]) => {
    const at = optionsParam(options)
    const open = chain.executor.open(wireParam(wire, at))
    return inContext(chain, at, simulation(chain, open, at))
  },
  requestAirdrop: async ([address, amount]) =>
    refusingAsync(chain.faucet.airdrop(addressParam(address), u64Param(amount, 'lamports'))),
})

function wireParam(value: unknown, options: Options): Uint8Array {
  const wire = stringParam(value, 'transaction')
  const encoding = options['encoding'] ?? 'base58'
  if (encoding !== 'base58' && encoding !== 'base64') throw invalidParams('unsupported encoding: use base58 or base64')
  const longest = Math.ceil(MAX_TRANSACTION_BYTES * 1.4)
  if (wire.length > longest) throw invalidParams(`${encoding} encoded transaction too large: ${wire.length} bytes`)
  try {
    const decoder = encoding === 'base58' ? getBase58Encoder() : getBase64Encoder()
    return Uint8Array.from(decoder.encode(wire))
  } catch {
    throw invalidParams(`invalid ${encoding} encoding`)
  }
}

export function refusing<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw cause instanceof TransactionRefused ? refusalOf(cause) : cause
  }
}

export const refusingAsync = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause: unknown) => {
    throw cause instanceof TransactionRefused ? refusalOf(cause) : cause
  })

function refusalOf(refused: TransactionRefused): RpcError {
  if (refused.fault === 'SignatureFailure') {
    return new RpcError(SIGNATURE_VERIFICATION_FAILURE, 'Transaction signature verification failure')
  }
  return new RpcError(PREFLIGHT_FAILURE, `Transaction simulation failed: ${sentenceOf(refused.fault)}`, {
    err: refused.fault,
    logs: refused.logs,
    accounts: null,
    innerInstructions: null,
    returnData: null,
    unitsConsumed: refused.unitsConsumed,
  })
}

interface Attempt {
  readonly err: TransactionFault | null
  readonly meta: TransactionMetadata | null
  readonly after: ReadonlyMap<string, AccountState>
}

function simulation(chain: Chain, open: OpenTransaction, options: Options) {
  const replace = options['replaceRecentBlockhash'] === true
  const sigVerify = options['sigVerify'] === true
  if (replace && sigVerify) throw invalidParams('sigVerify may not be used with replaceRecentBlockhash')
  const fault = replace ? null : chain.executor.lifetimeFault(open)
  const attempt: Attempt =
    fault === null ? tryOut(chain, open, sigVerify) : { err: fault, meta: null, after: new Map() }
  const returnData = attempt.meta?.returnData()
  const returned = returnData === undefined || returnData.data().length === 0 ? null : returnData
  const slot = chain.slots.current
  const { blockhash, lastValidBlockHeight } = {
    blockhash: chain.slots.blockhash(slot),
    lastValidBlockHeight: chain.slots.lastValidBlockHeight(slot),
  }
  return {
    err: attempt.err,
    logs: attempt.meta?.logs() ?? [],
    accounts: accountsAsked(chain, open, attempt, options),
    unitsConsumed: Number(attempt.meta?.computeUnitsConsumed() ?? 0n),
    returnData:
      returned === null
        ? null
        : {
            programId: getAddressDecoder().decode(returned.programId()),
            data: [Buffer.from(returned.data()).toString('base64'), 'base64'],
          },
    innerInstructions:
      options['innerInstructions'] === true && attempt.meta !== null ? innerInstructionsOf(attempt.meta) : null,
    ...(replace ? { replacementBlockhash: { blockhash, lastValidBlockHeight } } : {}),
  }
}

function tryOut(chain: Chain, open: OpenTransaction, sigVerify: boolean): Attempt {
  const { svm } = chain.bank
  const missing = Object.values(open.transaction.signatures).includes(null)
  if (sigVerify && missing) return { err: 'SignatureFailure', meta: null, after: new Map() }
  chain.bank.syncClock()
  const signatures = Object.fromEntries(
    Object.entries(open.transaction.signatures).map(([signer, signature]) => [signer, signature ?? new Uint8Array(64)]),
  )
  svm.withSigverify(sigVerify)
  try {
    const result = svm.simulateTransaction({ ...open.transaction, signatures } as typeof open.transaction)
    if (result instanceof FailedTransactionMetadata)
      return { err: faultOf(result), meta: result.meta(), after: new Map() }
    return { err: null, meta: result.meta(), after: new Map(result.postAccounts().map(stateAfter)) }
  } finally {
    svm.withSigverify(true)
  }
}

const stateAfter = (account: EncodedAccount): [string, AccountState] => [
  account.address,
  {
    address: account.address,
    lamports: BigInt(account.lamports),
    owner: account.programAddress,
    executable: account.executable,
    data: Uint8Array.from(account.data),
  },
]

/** The state the caller wants to see after the run, account by account; null when none was asked for. */
function accountsAsked(chain: Chain, open: OpenTransaction, attempt: Attempt, options: Options) {
  const asked = options['accounts']
  if (asked === undefined || asked === null) return null
  const { addresses, encoding } = optionsParam(asked)
  return addressesParam(addresses, 64).map((address) => {
    if (attempt.err !== null) return null
    const index = open.keys.indexOf(address)
    const touched = index >= 0 && isWritable(open, index) ? attempt.after.get(address) : undefined
    const account = touched ?? chain.bank.account(address)
    return accountView(chain.bank, account, { encoding: typeof encoding === 'string' ? encoding : 'base64' })
  })
}
