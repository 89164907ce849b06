import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Fault } from './fault.ts'
import { gapsIn, type Judged, judge, keysIn, receiptsIn } from './receipt.ts'
import type { Command, Surroundings } from './run.ts'
import { addressOf, fetchJson } from './server.ts'
import { columns, usdc } from './text.ts'

const USAGE = 'souk verify-receipt FILE [--jwks URL|FILE], where FILE may be - for what comes in'
const JWKS_PATH = '/.well-known/jwks.json'

/** Verifies receipts and their chain with the market's public keys alone. 0 when all are valid, 1 when one is not. */
export const verifyReceipt: Command = async (args, surroundings) => {
  const { file, jwks } = wanted(args)
  const receipts = receiptsIn(file === '-' ? await surroundings.input() : await textOf(file))
  if (receipts.length === 0) throw new Fault(`There is no receipt in ${file === '-' ? 'what came in' : file}`)
  const judged = judge(receipts, await keysOf(jwks, surroundings))
  for (const line of [...linesOf(judged), '', verdictOf(judged)]) surroundings.out(line)
  return judged.every((one) => 'facts' in one) ? 0 : 1
}

function wanted(args: readonly string[]): { file: string; jwks?: string } {
  const [file, option, jwks, ...more] = args[0] === '--jwks' ? [args[2], args[0], args[1], ...args.slice(3)] : args
  const isWhole = file !== undefined && more.length === 0 && (file === '-' || !file.startsWith('-'))
  if (!isWhole || (option !== undefined && (option !== '--jwks' || jwks === undefined)))
    throw new Fault(`Usage: ${USAGE}`)
  return jwks === undefined ? { file } : { file, jwks }
}

async function keysOf(jwks: string | undefined, { env }: Surroundings): Promise<ReadonlyMap<string, KeyObject>> {
  const place = jwks ?? addressOf(env['SOUK_URL']) + JWKS_PATH
  const found = /^https?:\/\//.test(place) ? await fetchJson(place) : parsed(await textOf(place))
  try {
    return keysIn(found)
  } catch {
    throw new Fault(`${place} is no set of keys. It should be what the market shows at ${JWKS_PATH}.`)
  }
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault(`${path} cannot be read (${error.code})`)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function linesOf(judged: readonly Judged[]): string[] {
  const rows = judged.map((one) => {
    if ('fault' in one) return ['NOT VALID', '', one.fault, '', '']
    const { seq, settlementType, price, asset, orderId } = one.facts
    return ['valid', seq, settlementType, asset === 'USDC' ? usdc(price) : price, `${asset} for ${orderId}`]
  })
  return columns([['', 'receipt', 'settled', 'amount', ''], ...rows], ['left', 'right', 'left', 'right', 'left'])
}

function verdictOf(judged: readonly Judged[]): string {
  const wrong = judged.filter((one) => 'fault' in one).length
  if (wrong > 0) return `${wrong} of ${judged.length} receipts are not valid.`
  if (judged.length === 1) return 'The receipt is valid.'
  const gaps = gapsIn(judged)
  if (gaps === 0) return `All ${judged.length} receipts are valid, and each follows the one before.`
  return `All ${judged.length} receipts are valid. Receipts are missing in ${gaps} places, so the chain is checked only between neighbours.`
}
