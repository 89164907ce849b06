import { describe, expect, test } from 'vitest'
import { importsOf, type Source, sourcesUnder } from './sources.ts'

/** Who may import whom, besides its own floor. A name missing on the right is a wall. Foundations first. */
const FLOORS: Record<string, readonly string[]> = {
  kernel: [],
  platform: ['kernel'],
  ledger: [],
  identity: [],
  'sign-in': [],
  spending: ['identity'],
  receipts: ['identity'],
  trust: ['identity'],
  catalog: ['identity'],
  offers: ['identity'],
  events: [],
  ecosystem: ['identity', 'offers'],
  probes: ['identity', 'offers'],
  settlement: [],
  wallet: ['ledger', 'identity', 'spending', 'receipts'],
  orders: ['ledger', 'identity', 'spending', 'receipts'],
  'chain-purse': ['ledger', 'identity', 'receipts', 'wallet', 'orders'],
  trades: [
    ...['orders', 'ledger', 'wallet', 'spending', 'receipts', 'identity', 'catalog', 'trust', 'settlement'],
    'chain-purse',
  ],
  enrolment: ['identity', 'ledger', 'wallet', 'catalog'],
  webhooks: ['identity', 'events'],
  audit: ['ledger', 'orders', 'wallet'],
}

const MODULES = Object.keys(FLOORS).filter((floor) => floor !== 'kernel' && floor !== 'platform')
const FOUNDATIONS = ['kernel', 'platform']

/** `server/src/modules/ledger/post.ts` stands on the floor `ledger`, `server/src/faces/v1/jobs.ts` on `faces`. */
function floorOf({ path }: Source): string {
  const [, , first = '', second = ''] = path.split('/')
  return first === 'modules' ? second : first
}

function allowedFor(floor: string): readonly string[] {
  if (floor === 'faces') return ['faces', 'devchain', ...FOUNDATIONS, ...MODULES]
  if (floor === 'main') return ['main', 'faces', 'devchain', ...FOUNDATIONS, ...MODULES]
  const foundations = floor === 'kernel' ? [] : floor === 'platform' ? ['kernel'] : FOUNDATIONS
  return [floor, ...foundations, ...(FLOORS[floor] ?? [])]
}

/** `#ledger` → ledger, `#trades/direct` → trades, `#platform/db` → platform. */
function floorReached(target: string): string | undefined {
  if (target.startsWith('@souk/')) return target.slice('@souk/'.length).split('/')[0]
  return target.startsWith('#') ? target.slice(1).split('/')[0] : undefined
}

const sources = sourcesUnder('server/src')

describe('the floors', () => {
  test.each(sources.map((source) => [source.path, source] as const))(
    '%s imports only what its floor allows',
    (_, source) => {
      const floor = floorOf(source)
      const reached = importsOf(source).flatMap((target) => floorReached(target) ?? [])
      expect(reached.filter((there) => !allowedFor(floor).includes(there))).toEqual([])
    },
  )

  test('a module is reached by its #name, never by a path into it', () => {
    const trespassing = sources.flatMap((source) =>
      importsOf(source)
        .filter((target) => target.startsWith('..'))
        .filter((target) => escapes(source.path, target))
        .map((target) => `${source.path} → ${target}`),
    )
    expect(trespassing).toEqual([])
  })

  test('only the sandbox and the start reach the local chains', () => {
    const reaching = sources.filter((source) => importsOf(source).some((target) => target.startsWith('@souk/devchain')))
    const elsewhere = reaching.filter(({ path }) => !/^server\/src\/(main|faces\/sandbox)\//.test(path))
    expect(elsewhere.map(({ path }) => path)).toEqual([])
  })

  test('trade forms never import one another', () => {
    const trades = sources.filter(({ path }) => path.startsWith('server/src/modules/trades/'))
    const crossing = trades.filter((source) => {
      const own = source.path.split('/')[4]
      return importsOf(source).some((target) => target.startsWith('#trades/') && target !== `#trades/${own}`)
    })
    expect(crossing.map(({ path }) => path)).toEqual([])
  })

  test('files do not import one another in a circle', () => {
    expect(firstCircle(sources)).toEqual([])
  })
})

/** Whether a relative import leaves the module (or face, or platform folder) it starts in. */
function escapes(path: string, target: string): boolean {
  const home = path.split('/').slice(0, path.startsWith('server/src/modules/') ? 4 : 3)
  const resolved = new URL(target, `file:///${path}`).pathname.slice(1)
  const inside = resolved.startsWith(`${home.join('/')}/`)
  return !inside && !path.startsWith('server/src/main/')
}

function firstCircle(all: readonly Source[]): string[] {
  const byPath = new Map(all.map((source) => [source.path, source]))
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return []
    const source = byPath.get(path)
    for (const target of source ? valueImports(source) : []) {
      const circle = visit(new URL(target, `file:///${path}`).pathname.slice(1), [...trail, path])
      if (circle.length > 0) return circle
    }
    done.add(path)
    return []
  }
  for (const { path } of all) {
    const circle = visit(path, [])
    if (circle.length > 0) return circle
  }
  return []
}

/** Types vanish when the code runs, so only imports of values can make a circle. */
function valueImports({ text }: Source): string[] {
  const withoutTypes = text
    .replace(/import type [^;]*?from '[^']+'/g, '')
    .replace(/export type [^;]*?from '[^']+'/g, '')
  return [...withoutTypes.matchAll(/from '(\.[^']+)'/g)].map(([, target = '']) => target)
}
