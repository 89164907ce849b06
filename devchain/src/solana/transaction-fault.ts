import type { FailedTransactionMetadata } from 'litesvm'
import type { TransactionFault } from './records.ts'

/** LiteSVM numbers its errors in the order of the validator's own enums; the RPC names them. */
const TRANSACTION_FAULTS = (
  'AccountInUse AccountLoadedTwice AccountNotFound ProgramAccountNotFound InsufficientFundsForFee InvalidAccountForFee ' +
  'AlreadyProcessed BlockhashNotFound CallChainTooDeep MissingSignatureForFee InvalidAccountIndex SignatureFailure ' +
  'InvalidProgramForExecution SanitizeFailure ClusterMaintenance AccountBorrowOutstanding WouldExceedMaxBlockCostLimit ' +
  'UnsupportedVersion InvalidWritableAccount WouldExceedMaxAccountCostLimit WouldExceedAccountDataBlockLimit ' +
  'TooManyAccountLocks AddressLookupTableNotFound InvalidAddressLookupTableOwner InvalidAddressLookupTableData ' +
  'InvalidAddressLookupTableIndex InvalidRentPayingAccount WouldExceedMaxVoteCostLimit WouldExceedAccountDataTotalLimit ' +
  'MaxLoadedAccountsDataSizeExceeded ResanitizationNeeded InvalidLoadedAccountsDataSizeLimit UnbalancedTransaction ' +
  'ProgramCacheHitMaxLimit CommitCancelled'
).split(' ')

const INSTRUCTION_FAULTS = (
  'GenericError InvalidArgument InvalidInstructionData InvalidAccountData AccountDataTooSmall InsufficientFunds ' +
  'IncorrectProgramId MissingRequiredSignature AccountAlreadyInitialized UninitializedAccount UnbalancedInstruction ' +
  'ModifiedProgramId ExternalAccountLamportSpend ExternalAccountDataModified ReadonlyLamportChange ReadonlyDataModified ' +
  'DuplicateAccountIndex ExecutableModified RentEpochModified NotEnoughAccountKeys AccountDataSizeChanged ' +
  'AccountNotExecutable AccountBorrowFailed AccountBorrowOutstanding DuplicateAccountOutOfSync InvalidError ' +
  'ExecutableDataModified ExecutableLamportChange ExecutableAccountNotRentExempt UnsupportedProgramId CallDepth ' +
  'MissingAccount ReentrancyNotAllowed MaxSeedLengthExceeded InvalidSeeds InvalidRealloc ComputationalBudgetExceeded ' +
  'PrivilegeEscalation ProgramEnvironmentSetupFailure ProgramFailedToComplete ProgramFailedToCompile Immutable ' +
  'IncorrectAuthority AccountNotRentExempt InvalidAccountOwner ArithmeticOverflow UnsupportedSysvar IllegalOwner ' +
  'MaxAccountsDataAllocationsExceeded MaxAccountsExceeded MaxInstructionTraceLengthExceeded ' +
  'BuiltinProgramsMustConsumeComputeUnits'
).split(' ')

const SENTENCES: Readonly<Record<string, string>> = {
  AccountNotFound: 'Attempt to debit an account but found no record of a prior credit.',
  AlreadyProcessed: 'This transaction has already been processed',
  BlockhashNotFound: 'Blockhash not found',
  InsufficientFundsForFee: 'Insufficient funds for fee',
  InsufficientFundsForRent: 'Transaction results in an account with insufficient funds for rent',
  SignatureFailure: 'Transaction did not pass signature verification',
}

export function faultOf(failed: FailedTransactionMetadata): TransactionFault {
  const err = failed.err()
  if (typeof err === 'number') return TRANSACTION_FAULTS[err] ?? 'SanitizeFailure'
  if ('accountIndex' in err) {
    const restricted = err.constructor.name === 'TransactionErrorProgramExecutionTemporarilyRestricted'
    const name = restricted ? 'ProgramExecutionTemporarilyRestricted' : 'InsufficientFundsForRent'
    return { [name]: { account_index: err.accountIndex } }
  }
  if (!('err' in err)) return { DuplicateInstruction: err.index }
  const inner = err.err()
  if (typeof inner === 'number') return { InstructionError: [err.index, INSTRUCTION_FAULTS[inner] ?? 'GenericError'] }
  return { InstructionError: [err.index, 'code' in inner ? { Custom: inner.code } : { BorshIoError: inner.msg }] }
}

/** The sentence a validator puts behind "Transaction simulation failed: ". */
export function sentenceOf(fault: TransactionFault): string {
  if (typeof fault === 'string') return SENTENCES[fault] ?? fault
  const instruction = fault['InstructionError']
  if (!Array.isArray(instruction)) return SENTENCES[Object.keys(fault)[0] ?? ''] ?? JSON.stringify(fault)
  const [index, inner] = instruction as [number, string | { Custom?: number }]
  const code = typeof inner === 'object' ? inner.Custom : undefined
  const reason = code === undefined ? JSON.stringify(inner) : `custom program error: 0x${code.toString(16)}`
  return `Error processing Instruction ${index}: ${reason}`
}
