import { randomBytes } from 'node:crypto'
import sql from 'sql-template-tag'
import { type CreatedAgent, createAgent, createAuthenticator, type NewAgent } from '#identity'
import { SCOPES } from '#platform/http/caller'
import { openTestDatabase } from '#tests/database'

/** A database of agents, with a clock that moves when told to. For tests. */
export async function openAgentWorld() {
  const { store, close } = await openTestDatabase()
  const sealingKey = randomBytes(32)
  const plain: Omit<NewAgent, 'name'> = {
    isUnique: true,
    description: '',
    capabilities: [],
    callbackUrl: null,
    email: null,
    passwordHash: null,
    emergencyAddress: null,
    isActivated: false,
    keyLook: 'jp',
    sealingKey,
  }
  return {
    store,
    close,
    sealingKey,
    authenticate: (key: string) => createAuthenticator(store)(key),
    agentNamed: (name: string, more: Partial<NewAgent> = {}): Promise<CreatedAgent> =>
      store.transact((tx) => createAgent(tx, { ...plain, name, ...more })),
    advance: async (seconds: number) => {
      await store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${seconds * 1000}`))
    },
  }
}

export type AgentWorld = Awaited<ReturnType<typeof openAgentWorld>>

/** The first key of an agent as the one that asks. */
export function askerOf({ partyId, firstKey }: CreatedAgent) {
  return { partyId, keyId: firstKey.keyId, scopes: SCOPES }
}
