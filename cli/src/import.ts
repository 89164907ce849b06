import { Fault } from './fault.ts'
import type { Command, Surroundings } from './run.ts'
import { askOperator } from './server.ts'

interface Counts {
  readonly read: number
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  readonly returned: number
  readonly gone: number
  readonly skipped: Readonly<Record<string, number>>
}

interface Source {
  readonly id: string
  readonly url: string
  readonly passes: number
  readonly progress: { readonly offset: number; readonly counts: Counts }
  readonly last: Counts | null
  readonly failures: number
  readonly fault: string | null
}

const PATH = '/api/v1/admin/ecosystem/sources'
const LOOK_EVERY_MS = 1000

/** Has the market read another one's list, now and from now on; tells how far it has come until it has read all of it. */
export const importFrom: Command = async (args, surroundings) => {
  const [url, ...rest] = args.filter((arg) => arg !== '--no-wait')
  if (url === undefined || rest.length > 0) throw new Fault('souk import takes one URL: of a market or of its list')
  const begun = await askOperator(PATH, surroundings, { url })
  if (!isSource(begun)) throw new Fault('The answer is not a source. Is SOUK_URL a server of this version?')
  surroundings.out(`Reading ${begun.url}`)
  return args.includes('--no-wait') ? 0 : follow(begun, surroundings)
}

async function follow(begun: Source, surroundings: Surroundings): Promise<number> {
  let told = ''
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    const { sources } = (await askOperator(PATH, surroundings)) as { sources: Source[] }
    const source = sources.find(({ id }) => id === begun.id)
    if (!source) throw new Fault('The source has been removed meanwhile')
    if (source.passes > begun.passes && source.last) {
      surroundings.out(`Done: ${sentenceOf(source.last)}`)
      return 0
    }
    if (source.fault !== null) throw new Fault(`It cannot be read: ${source.fault}. The market goes on trying.`)
    const line = `  ${sentenceOf(source.progress.counts)}`
    if (line !== told && source.progress.counts.read > 0) surroundings.out(line)
    told = line
  }
}

function sentenceOf({ read, added, changed, unchanged, returned, gone, skipped }: Counts): string {
  const parts = { added, changed, unchanged, returned, gone }
  const told = Object.entries(parts).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []))
  const left = Object.entries(skipped).map(([reason, count]) => `${count} left out (${reason})`)
  return [`${read} read`, ...told, ...left].join(', ')
}

function isSource(body: unknown): body is Source {
  const { id, url, passes } = (body ?? {}) as Partial<Source>
  return typeof id === 'string' && typeof url === 'string' && typeof passes === 'number'
}
