import { markActivated } from '#identity'
import type { Store } from '#platform/db'
import { fundParties } from './books.ts'

const BUYERS = 16
/** What the service costs, and the market's fee on top. */
export const PRICE = 500_000n
export const FEE = 15_000n

const SERVICE = {
  name: 'Summarize',
  description: 'Says in a few bullets what any text is about.',
  category: 'text',
  pricePerJob: Number(PRICE),
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  outputSchema: {
    type: 'object',
    properties: { bullets: { type: 'array', items: { type: 'string' } } },
    required: ['bullets'],
  },
  maxConcurrentJobs: 100,
  maxQueueSize: 100,
}

interface Agent {
  readonly agentId: string
  readonly apiKey: string
}

export interface Market {
  readonly seller: Agent
  readonly buyers: readonly Agent[]
  readonly serviceId: string
}

/** A seller with one service, and buyers with money: registered by the front door, paid in at the back. */
export async function openMarket(url: URL, store: Store): Promise<Market> {
  const post = async <T>(path: string, body: object, key?: string): Promise<T> => {
    const headers = { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) }
    const answer = await fetch(new URL(`/api/v1${path}`, url), { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }
  const agents: Agent[] = []
  for (let n = 0; n <= BUYERS; n++) agents.push(await post<Agent>('/auth/register', { name: `bench-agent-${n}` }))
  const [seller, ...buyers] = agents as [Agent, ...Agent[]]
  await store.transact(async (tx) => {
    for (const { agentId } of agents) await markActivated(tx, agentId)
  })
  await fundParties(
    store,
    buyers.map(({ agentId }) => agentId),
  )
  const { id: serviceId } = await post<{ id: string }>('/services', SERVICE, seller.apiKey)
  return { seller, buyers, serviceId }
}
