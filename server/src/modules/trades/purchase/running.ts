import { newId } from '#kernel/id'
import type { Tx } from '#platform/db'
import type { Desk } from './buy.ts'
import { endEach, fail } from './ending.ts'
import { type CallLine, lineOf, type Run } from './line.ts'
import type { Purchase } from './purchase.ts'
import { claimRun, countRun, keepOutputs } from './store.ts'

const MAX_RUNS = 3

/** The lease of who may run the seller from now on; null where somebody else may. */
export async function takeOver({ store, settings }: Desk, { id }: Purchase): Promise<string | null> {
  const lease = newId()
  const isOurs = await store.transact((tx) => claimRun(tx, { id, lease, leaseMs: settings.leaseMs }))
  return isOurs ? lease : null
}

/** Whoever asked has gone and nothing was paid: the buyer may try again with the same payment. */
export async function giveUp(deps: Desk, purchase: Purchase): Promise<boolean> {
  const { store, settings } = deps
  const claim = { id: purchase.id, lease: newId(), leaseMs: settings.leaseMs }
  return store.transact(async (tx) => {
    const isOurs = await claimRun(tx, claim)
    const { lease } = claim
    return isOurs && fail(tx, deps, { purchase, fault: 'seller', lease, reason: 'the call was interrupted' })
  })
}

/** Outside every unit of work: the seller may take his time. */
export async function runSeller(deps: Desk, purchase: Purchase, lease: string): Promise<void> {
  const { run } = lineOf(deps.lines, purchase) as CallLine
  // Until its outcome is kept: who waits for a connection with an answer in his hands has not died.
  const release = deps.leases.hold({ id: purchase.id, lease })
  try {
    // Whatever it is, it is no reason to ask the seller for ever.
    const answer = await run(purchase).catch((error: Error) => ({ failure: `it could not be asked (${error.name})` }))
    if (purchase.state === 'working' && 'output' in answer)
      await deps.together.keep({ id: purchase.id, lease, output: answer.output, to: 'settling' })
    else await deps.store.transact((tx) => noteAnswer(tx, deps, { purchase, lease, answer }))
  } finally {
    release()
  }
}

interface Answered {
  readonly purchase: Purchase
  readonly lease: string
  readonly answer: Awaited<ReturnType<Run>>
}

async function noteAnswer(tx: Tx, deps: Desk, { purchase, lease, answer }: Answered): Promise<void> {
  const { id, state, runs, txHash } = purchase
  if ('output' in answer) {
    const { output } = answer
    const isOurs = (await keepOutputs(tx, [{ id, lease, output, to: 'paid' }])).has(id)
    if (isOurs && txHash !== null)
      await endEach(tx, deps, [{ purchase: { ...purchase, output }, txHash, delivered: true }])
  } else if (state === 'paid') {
    // Paid before the work, and the work failed: the money is with the seller, and the receipt says what came of it.
    const isOurs = await countRun(tx, { id, lease })
    if (isOurs && txHash !== null && runs + 1 >= MAX_RUNS)
      await endEach(tx, deps, [{ purchase, txHash, delivered: false }])
  } else {
    await fail(tx, deps, { purchase, fault: 'seller', lease, reason: answer.failure })
  }
}
