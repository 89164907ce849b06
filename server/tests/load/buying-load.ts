import type { Hex } from 'viem'
import { driveCallers } from './callers.ts'
import { serveLoad } from './load-process.ts'
import { type Asked, createPayer } from './payer.ts'
import { openWire, type Wire } from './wire.ts'

/** What the load generator is told at its start, as JSON in its first argument. */
export interface BuyingLoad {
  readonly host: string
  readonly port: number
  /** What is bought. */
  readonly path: string
  readonly callers: number
  /** Null: it only asks what it would have to pay. */
  readonly pay: { readonly asked: Asked; readonly secretKeys: readonly Hex[] } | null
}

const BODY = { text: 'hello' }
/** How many payments the first slice is prepared with; every later one with what the last has taken, and more. */
const FIRST_STOCK = 2000

const load = JSON.parse(process.argv[2] ?? '') as BuyingLoad
const payers = load.pay?.secretKeys.map(createPayer) ?? []
const stock: string[] = []
let wanted = FIRST_STOCK
let signed = 0

function sign(asked: Asked): string {
  return (payers[signed++ % payers.length] as (asked: Asked) => string)(asked)
}

async function buy(wire: Wire): Promise<void> {
  const payment = load.pay === null ? undefined : (stock.pop() ?? sign(load.pay.asked))
  const headers = payment === undefined ? {} : { 'payment-signature': payment }
  const { status, body } = await wire.post({ path: load.path, body: BODY, headers })
  if (status !== (payment === undefined ? 402 : 200)) throw new Error(`${load.path}: ${status} ${JSON.stringify(body)}`)
}

serveLoad(async (seconds) => {
  if (load.pay !== null) while (stock.length < wanted) stock.push(sign(load.pay.asked))
  // Anew for each slice: servers close connections that rest.
  const wires = await Promise.all(Array.from({ length: load.callers }, () => openWire(load.host, load.port)))
  const driven = await driveCallers({ callers: load.callers, seconds }, (caller) => buy(wires[caller] as Wire))
  for (const wire of wires) wire.close()
  const acts = driven.latenciesMs.length
  wanted = Math.max(wanted, acts * 2)
  return { slice: driven, acts }
})
