import type { ServerResponse } from 'node:http'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { newId } from '#kernel/id'
import { openStore } from '#platform/db'
import { openWebhookWorld, PLAIN, type Receiver, type WebhookWorld } from '#tests/contracts/webhook-world'
import { enableEndpoint, endpointsOf, redeliver, redeliverSince } from './index.ts'

const DAY_MS = 86_400_000

let world: WebhookWorld
let receiver: Receiver
let ann: string

beforeAll(async () => {
  world = await openWebhookWorld([PLAIN])
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.setClock(new Date())
  receiver = await world.receiver()
  ann = newId()
})

const down = (response: ServerResponse) => void response.writeHead(500).end()
const up = (response: ServerResponse) => void response.end()
const gone = (response: ServerResponse) => void response.writeHead(410).end()

/** Messages to `recipientId` at this receiver, all in one event. */
const tell = (texts: readonly string[], { recipientId = ann, url = receiver.url } = {}) =>
  world.emit(
    'test.said',
    texts.map((text) => ({ recipientId, url, eventName: 'test.said', body: { type: 'test.said', text } })),
  )
const say = async (...texts: string[]) => {
  for (const text of texts) await tell([text])
  await world.run()
}
const textsOf = ({ received }: Receiver) => received.map(({ body }) => JSON.parse(body).text)
const endpoint = async (partyId = ann) =>
  (await endpointsOf(world.store.read, { partyId }, { page: 1, limit: 10 })).items[0]!
const now = () => world.store.now()
const pass = async (ms: number) => world.setClock(new Date((await now()).getTime() + ms))
/** Lets every repetition of what is pending happen. */
async function wearOut() {
  for (let n = 0; n < 6; n++) {
    await world.run()
    await pass(300_000)
  }
  await world.run()
}

const disablings = () =>
  world.store.read.rows<{ payload: { url: string; because: string; partyId: string } }>(sql`
    select payload from event where name = 'webhook.endpoint_disabled' and payload ->> 'partyId' = ${ann} order by id`)

describe('an address that fails', () => {
  it('D-25 is disabled by a 410: nothing waits for it any more, what comes is kept, and it is told once', async () => {
    receiver.answer = down
    await say('waiting')
    receiver.answer = gone
    await say('refused', 'refused too')
    receiver.answer = up
    await say('later')
    await wearOut()
    expect(textsOf(receiver).filter((text) => text === 'later')).toEqual([])
    const states = (await world.deliveriesTo(receiver)).map(({ state }) => state)
    expect(states).toEqual(['disabled', 'disabled', 'disabled', 'disabled'])
    expect(await endpoint()).toMatchObject({ disabledBecause: 'gone', pending: 0, undelivered: 4 })
    expect((await disablings()).map(({ payload }) => payload)).toMatchObject([{ url: receiver.url, because: 'gone' }])
  })

  it('D-25 is disabled when it has taken nothing for five days and yet another message is given up', async () => {
    receiver.answer = down
    await say('first')
    await wearOut()
    expect(await endpoint()).toMatchObject({ disabledBecause: null, undelivered: 1 })
    await pass(4 * DAY_MS)
    await say('after four days')
    await wearOut()
    expect(await endpoint()).toMatchObject({ disabledBecause: null, undelivered: 2 })
    await pass(DAY_MS)
    await say('after five days')
    expect((await endpoint()).disabledBecause).toBe(null)
    await wearOut()
    expect(await endpoint()).toMatchObject({ disabledBecause: 'failing', undelivered: 3 })
    expect(await disablings()).toHaveLength(1)
  })

  it('D-25 is not, when it has taken anything in between', async () => {
    receiver.answer = down
    await say('first')
    await wearOut()
    receiver.answer = up
    await say('taken')
    expect(await endpoint()).toMatchObject({ failingSince: null })
    await pass(5 * DAY_MS)
    receiver.answer = down
    await say('last')
    await wearOut()
    expect(await endpoint()).toMatchObject({ disabledBecause: null, undelivered: 2 })
  })

  it('D-25 says nothing of its owner’s other addresses', async () => {
    const other = await world.receiver()
    receiver.answer = gone
    await tell(['there'])
    await tell(['here'], { url: other.url })
    await world.run()
    expect(textsOf(other)).toEqual(['here'])
  })

  it('JP-169 is not blamed for what fails on our side', async () => {
    world.secrets.set(ann, [])
    await say('unsigned')
    await pass(6 * DAY_MS)
    await say('unsigned')
    expect(await endpoint()).toMatchObject({ disabledBecause: null, failingSince: null, undelivered: 2 })
  })

  it('D-25 is sent to again once it is enabled; what was not sent comes by redelivery, under its old ids', async () => {
    receiver.answer = gone
    await say('a')
    await say('b')
    const before = await now()
    await pass(1000)
    await say('c')
    receiver.answer = up
    const { id: endpointId } = await endpoint()
    const since = (from: Date) =>
      world.store.transact((tx) =>
        redeliverSince(tx, { partyId: ann, since: from, after: null, endpointId, delivered: false }),
      )
    await expect(since(before)).rejects.toMatchObject({ code: 'endpoint_disabled' })
    await world.store.transact((tx) => enableEndpoint(tx, { endpointId, partyId: ann }))
    await say('d')
    expect(await since(before)).toEqual({ count: 1, nextCursor: null })
    await world.run()
    expect(textsOf(receiver)).toEqual(['a', 'd', 'c'])
    const notices = (await world.deliveriesTo(receiver)).map(({ noticeId }) => noticeId)
    expect(receiver.received.every(({ headers }) => notices.includes(String(headers['webhook-id'])))).toBe(true)
    expect(await since(new Date(0))).toMatchObject({ count: 2 })
  })

  it.each([429, 502, 504])(
    'D-25 %i with Retry-After gives it rest from everything, also from what comes',
    async (status) => {
      receiver.answer = (response) => response.writeHead(status, { 'retry-after': '600' }).end()
      await tell(['first', 'waits', 'waits', 'waits', 'waits', 'waits'])
      await world.run()
      receiver.answer = up
      await say('comes')
      const asked = receiver.received.length
      expect(asked).toBeLessThan(5)
      const due = (await world.deliveriesTo(receiver)).map(({ dueAt }) => dueAt!.getTime())
      expect(Math.min(...due)).toBeGreaterThan((await now()).getTime() + 500_000)
      await pass(610_000)
      await world.run()
      expect(receiver.received).toHaveLength(asked + 7)
      expect(await endpoint()).toMatchObject({ restingUntil: null, failingSince: null })
    },
  )
})

describe('redelivery', () => {
  it('D-25 asked for twice at once sends once', async () => {
    await say('hello')
    const [delivery] = await world.deliveriesTo(receiver)
    const again = () => world.store.transact((tx) => redeliver(tx, { deliveryId: delivery!.id, partyId: ann }))
    await Promise.all([again(), again(), again()])
    await world.run()
    expect(receiver.received).toHaveLength(2)
  })

  it('D-25 of everything since a time, asked for twice at once, sends each once', async () => {
    receiver.answer = down
    await say('a', 'b', 'c')
    await wearOut()
    receiver.received.length = 0
    receiver.answer = up
    const other = openStore({ url: world.database.url, maxConnections: 2 })
    const all = { partyId: ann, since: new Date(0), after: null, endpointId: null, delivered: false }
    const asked = await Promise.all(
      [world.store, other].map((store) => store.transact((tx) => redeliverSince(tx, all))),
    )
    expect(asked.map(({ count }) => count).sort()).toEqual([0, 3])
    await other.close()
    await world.run()
    expect(textsOf(receiver).sort()).toEqual(['a', 'b', 'c'])
  })

  it('D-25 of everything since a time brings forward what waits for its next attempt', async () => {
    receiver.answer = (response) => response.writeHead(503, { 'retry-after': '3600' }).end()
    await say('patient')
    receiver.answer = up
    const all = { partyId: ann, since: new Date(0), after: null, endpointId: null, delivered: false }
    expect((await world.store.transact((tx) => redeliverSince(tx, all))).count).toBe(1)
    await world.run()
    expect(textsOf(receiver)).toEqual(['patient', 'patient'])
  })

  it('D-25 of what was taken only when it is asked for, and never of another party’s', async () => {
    await say('taken')
    await tell(['another’s'], { recipientId: newId() })
    await world.run()
    receiver.received.length = 0
    const ask = (delivered: boolean) =>
      world.store.transact((tx) =>
        redeliverSince(tx, { partyId: ann, since: new Date(0), after: null, endpointId: null, delivered }),
      )
    expect((await ask(false)).count).toBe(0)
    expect((await ask(true)).count).toBe(1)
    await world.run()
    expect(textsOf(receiver)).toEqual(['taken'])
  })

  it('D-25 of a message that is being sent is left to its sender', async () => {
    const held: ServerResponse[] = []
    receiver.answer = (response) => void held.push(response)
    await tell(['hello'])
    await world.sweeperOver([world.fanOut]).runUntilIdle()
    const sender = world.senders()
    await sender.sweeps[0]!.run()
    await vi.waitFor(() => expect(held).toHaveLength(1))
    const [delivery] = await world.deliveriesTo(receiver)
    await world.store.transact((tx) => redeliver(tx, { deliveryId: delivery!.id, partyId: ann }))
    await world.senders().sweeps[0]!.run()
    held[0]!.end()
    await sender.settled()
    await world.run()
    expect(receiver.received).toHaveLength(1)
    expect((await world.deliveriesTo(receiver))[0]).toMatchObject({ state: 'delivered', attempts: 1 })
  })
})

describe('recipients that hang', () => {
  const limits = { concurrency: 16, perRecipient: 4, slowAfterMs: 100, slowPlaces: 64, suspects: 4 }
  const hanging = async (parties: readonly string[]) => {
    const held: ServerResponse[] = []
    receiver.answer = (response) => void held.push(response)
    for (const recipientId of parties) await tell(Array(8).fill('held'), { recipientId })
    await world.sweeperOver([world.fanOut]).runUntilIdle()
    return held
  }
  const quickly = async (count: number) => {
    const quick = await world.receiver()
    for (let n = 0; n < count; n++) await tell(['quick'], { recipientId: newId(), url: quick.url })
    return quick
  }

  it('D-25 fill every place for a moment only: the others are served while they hang', async () => {
    const held = await hanging(Array.from({ length: 8 }, newId))
    const { sweeps, settled } = world.senders({ limits })
    const sweeper = world.sweeperOver([world.fanOut, ...sweeps])
    sweeper.start()
    // All 32 places their shares allow, twice what the process has.
    await vi.waitFor(() => expect(held).toHaveLength(32), { timeout: 5000 })
    const quick = await quickly(20)
    await vi.waitFor(() => expect(quick.received).toHaveLength(20), { timeout: 5000 })
    expect(receiver.received).toHaveLength(32)
    await sweeper.stop()
    receiver.answer = up
    for (const response of held) response.end()
    await settled()
    await world.run()
  })

  it('D-25 have nobody wait behind what waits for them, however much it is', async () => {
    receiver.answer = down
    const parties = Array.from({ length: 20 }, newId)
    for (const recipientId of parties) await tell(['refused'], { recipientId })
    await world.run()
    await Promise.all(parties.map((recipientId) => tell(Array(20).fill('waits'), { recipientId })))
    const quick = await quickly(10)
    await world.sweeperOver([world.fanOut]).runUntilIdle()
    const { sweeps, settled } = world.senders({ limits })
    await sweeps[0]!.run()
    await settled()
    expect(quick.received).toHaveLength(10)
    receiver.answer = up
    await world.run()
  })

  it('D-25 get one place each from then on and a quarter together, until they take something', async () => {
    const parties = Array.from({ length: 6 }, newId)
    receiver.answer = down
    for (const recipientId of parties) await tell(['refused'], { recipientId })
    await world.run()
    receiver.received.length = 0
    const held = await hanging(parties)
    const { sweeps, settled } = world.senders({ limits })
    const sweeper = world.sweeperOver([world.fanOut, ...sweeps])
    sweeper.start()
    await vi.waitFor(() => expect(held).toHaveLength(4), { timeout: 5000 })
    const quick = await quickly(20)
    await vi.waitFor(() => expect(quick.received).toHaveLength(20), { timeout: 5000 })
    expect(held).toHaveLength(4)
    receiver.answer = up
    for (const response of held) response.end()
    // What they hang on to is sent four at a time again once one was taken.
    const taken = () => textsOf(receiver).filter((text) => text === 'held')
    await vi.waitFor(() => expect(taken()).toHaveLength(6 * 8), { timeout: 10_000 })
    await sweeper.stop()
    await settled()
  })
})
