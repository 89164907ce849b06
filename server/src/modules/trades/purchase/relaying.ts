import type { Desk } from './buy.ts'
import { fail } from './ending.ts'
import type { RelayLine } from './line.ts'
import type { Purchase } from './purchase.ts'
import { failUnsent, isForwarding, keepForwarded } from './relay-store.ts'

/**
 * Sends the payment on, by whoever reserved it and by nobody after him: from then on only the chain can say what became of
 * the money, and whoever takes over from one who died here looks there and nowhere else (D-16, D-28).
 */
export async function forward(
  deps: Desk,
  line: RelayLine,
  { purchase, lease }: { readonly purchase: Purchase; readonly lease: string },
): Promise<void> {
  const { id } = purchase
  const release = deps.leases.hold({ id, lease })
  try {
    // Whatever it is, the payment may be out.
    const answer = await line.forward(purchase).catch((error: Error) => ({ unknown: `it failed (${error.name})` }))
    await deps.store.transact(async (tx) => {
      if ('failure' in answer) return failUnsent(tx, { id, lease, reason: answer.failure })
      const [output, reason] = 'output' in answer ? [answer.output, null] : [null, answer.unknown]
      return keepForwarded(tx, { id, lease, output, reason })
    })
  } finally {
    release()
  }
}

/** How long the chain is looked at for what should be in it by now. */
const LOOK_MS = 4_000

/** Waits for whoever is sending it on, then asks the chain, and ends the purchase as soon as that has decided. */
export async function follow(
  deps: Desk,
  line: RelayLine,
  { id, waits }: { readonly id: string; readonly waits: boolean },
): Promise<'undecided' | 'ended'> {
  const { store, settings, together } = deps
  let until = performance.now() + (waits ? settings.patienceMs : 0)
  for (let hasAnswered = false; ; ) {
    const isOut = await isForwarding(store.read, id)
    const current = await together.find(id)
    if (!current || current.endedAt !== null) return 'ended'
    if (!isOut) {
      if (!hasAnswered) until = Math.min(until, performance.now() + LOOK_MS)
      hasAnswered = true
      if (await isDecided(deps, line, current)) return 'ended'
    }
    if (performance.now() >= until) return 'undecided'
    await new Promise((resolve) => setTimeout(resolve, settings.pollMs))
  }
}

async function isDecided(deps: Desk, line: RelayLine, purchase: Purchase): Promise<boolean> {
  const result = await line.outcomeOf(purchase.payment)
  if (result.state === 'pending') return false
  if (result.state === 'settled')
    await deps.together.end({ purchase, txHash: result.txHash, delivered: purchase.output !== null })
  else {
    const failing = { purchase, fault: 'payment', reason: purchase.reason ?? result.reason } as const
    await deps.store.transact((tx) => fail(tx, deps, failing))
  }
  return true
}
