import { markActivated, setEmergencyAddress } from '#identity'
import type { Micros } from '#kernel/money'
import { available, type Book, fees, openBook, world } from '#ledger'
import type { Tx } from '#platform/db'
import { unexplainedIn } from '../arrivals/arrivals.ts'
import { emitWallet } from '../events.ts'
import { openFinding } from '../findings/findings.ts'
import { requestSweep } from '../payouts/sweep.ts'
import type { Movement, Rail } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import {
  advanceAddress,
  type Deposit,
  type DepositAddress,
  insertDeposits,
  lockAddress,
  ownAddressesAmong,
  saveDepositFee,
} from './store.ts'

export interface Credits {
  readonly address: Pick<DepositAddress, 'network' | 'index'>
  readonly movements: readonly Movement[]
  /** Cursor the scan began at, and the newest signature whose effects are committed here. */
  readonly from: string | null
  readonly upto: string | null
  readonly rail: Pick<Rail, 'isWalletAddress' | 'hotWallet' | 'feePayer'>
  readonly settings: WalletSettings
}

/** A block's own time may lag behind ours by this much. */
const BLOCK_TIME_SLACK_MS = 600_000

/**
 * Commits what finalized transactions did to one address, each exactly once (D-17), together with everything that
 * hangs on it: the activation fee, the emergency address, the sweep. Answers what was credited.
 */
export async function creditMovements(tx: Tx, credits: Credits): Promise<readonly Deposit[]> {
  const address = await lockAddress(tx, credits.address)
  if (!address) return []
  await reportStrange(tx, { address, credits })
  const deposits = await recordDeposits(tx, { address, credits })
  const credited = deposits.reduce((sum, { amount }) => sum + amount, 0n)
  await advanceAddress(tx, { ...credits.address, credited, from: credits.from, upto: credits.upto })
  if (deposits.length === 0) return []
  await postDeposits(tx, { deposits, settings: credits.settings })
  await learnEmergencyAddress(tx, { deposits, credits })
  const balance = address.credited + credited - address.swept
  await requestSweep(tx, { address, balance, credits })
  for (const { partyId, amount, network, signature, source } of deposits) {
    if (amount < credits.settings.announcedMinimum) continue
    emitWallet(tx, 'wallet.deposited', { partyId, amount, network, txHash: signature, source })
  }
  return deposits
}

interface Arrival {
  readonly address: DepositAddress
  readonly credits: Credits
}

async function recordDeposits(tx: Tx, { address, credits }: Arrival): Promise<readonly Deposit[]> {
  const { network, tokenAccount, partyId } = address
  if (partyId === null) return []
  const arrived = credits.movements
    .filter((movement) => movement.change > 0n && !isTooOld(movement, address))
    .map(({ signature, change, source, slot }): Deposit => {
      return { network, signature, tokenAccount, partyId, amount: change, fee: 0n, source, slot }
    })
  const fresh = await insertDeposits(tx, arrived)
  return arrived.filter(({ signature }) => fresh.has(signature))
}

/** Credits all of them in one book, and takes the activation fee as soon as there is enough for it (JP-25, D-2). */
async function postDeposits(
  tx: Tx,
  { deposits, settings }: { deposits: readonly Deposit[]; settings: WalletSettings },
): Promise<void> {
  const { partyId, network } = deposits[0] as Deposit
  const balance = available('USDC', partyId)
  const [outside, income] = [world('USDC', network), fees('USDC', 'activation')]
  const book = await openBook(tx, [balance, outside, income])
  for (const { signature, tokenAccount, amount } of deposits) {
    book.post({
      key: `deposit:${network}:${signature}:${tokenAccount}`,
      reason: 'deposit',
      subject: signature,
      postings: [{ from: outside, to: balance, amount }],
    })
  }
  await takeActivationFee(tx, { book, last: deposits.at(-1) as Deposit, fee: settings.activationFee })
  await book.close()
}

async function takeActivationFee(
  tx: Tx,
  { book, last, fee }: { book: Book; last: Deposit; fee: Micros },
): Promise<void> {
  const balance = available('USDC', last.partyId)
  if (book.balanceOf(balance) < fee || !(await markActivated(tx, last.partyId))) return
  book.post({
    key: `activation:${last.partyId}`,
    reason: 'fee',
    subject: last.partyId,
    postings: [{ from: balance, to: fees('USDC', 'activation'), amount: fee }],
  })
  await saveDepositFee(tx, { ...last, fee })
}

/** D-32: who paid in enough at once is where panic pays to; a stranger's dust, and we ourselves, never are. */
async function learnEmergencyAddress(
  tx: Tx,
  { deposits, credits }: { deposits: readonly Deposit[]; credits: Credits },
): Promise<void> {
  const { rail, settings } = credits
  for (const { partyId, network, amount, source } of deposits) {
    // Panic pays over Solana, so only a wallet there can be named.
    if (network !== 'solana') continue
    if (amount < settings.emergencyMinimum || source === null || !rail.isWalletAddress(source)) continue
    if (source === rail.hotWallet.address || source === rail.feePayer) continue
    if ((await ownAddressesAmong(tx, { network, addresses: [source] })).size > 0) continue
    if (await setEmergencyAddress(tx, { partyId, address: source })) return
  }
}

/** What nobody asked for becomes a finding (D-17): money on the hot wallet, money that left, money older than its address. */
async function reportStrange(tx: Tx, { address, credits }: Arrival): Promise<void> {
  const { network, index, tokenAccount, partyId } = address
  const { movements } = credits
  const strange = partyId === null ? await unexplainedIn(tx, { network, movements }) : movements
  for (const movement of strange) {
    const { signature, change, source } = movement
    const kind =
      change < 0n
        ? 'unexplained_outflow'
        : change === 0n
          ? null
          : partyId === null
            ? 'unattributed_deposit'
            : isTooOld(movement, address)
              ? 'deposit_before_assignment'
              : null
    if (kind === null) continue
    const details = { network, index, tokenAccount, partyId, amount: String(change), source }
    await openFinding(tx, { kind, subject: `${network}:${signature}:${tokenAccount}`, details })
  }
}

/** An address can only have been told to its owner after it was given out; older money was somebody else's. */
function isTooOld({ at }: Movement, { assignedAt }: DepositAddress): boolean {
  return at !== null && at.getTime() < assignedAt.getTime() - BLOCK_TIME_SLACK_MS
}
