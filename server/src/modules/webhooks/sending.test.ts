import { spawn } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { newId } from '#kernel/id'
import { openStore } from '#platform/db'
import { openWebhookWorld, PLAIN, type Received, SECRET, type WebhookWorld } from '#tests/contracts/webhook-world'
import { type DeliveryFilter, deliveries, enableEndpoint, redeliver } from './index.ts'

let world: WebhookWorld
beforeAll(async () => {
  world = await openWebhookWorld([PLAIN])
})
afterAll(() => world.close())

const SERVER = fileURLToPath(new URL('../../../', import.meta.url))
const idOf = ({ headers }: Received) => headers['webhook-id']

function message(url: string, { recipientId = newId(), text = 'hello' } = {}) {
  return { recipientId, url, eventName: 'test.said', body: { type: 'test.said', text } }
}

/** A gate that holds answers back until it is opened. */
function gate() {
  const held: ServerResponse[] = []
  return {
    hold: (response: ServerResponse) => void held.push(response),
    open: () => {
      for (const response of held.splice(0)) response.end()
    },
    get size() {
      return held.length
    },
  }
}

describe('sending webhooks', () => {
  it('JP-168 a receiver that is down gets six attempts at exactly 1, 4, 16, 64, 256 s, all under one webhook-id', async () => {
    const receiver = await world.receiver()
    receiver.answer = (response) => response.writeHead(500).end('down')
    await world.emit('test.said', [message(receiver.url)])
    await world.run()
    for (const [index, seconds] of [1, 4, 16, 64, 256].entries()) {
      const [delivery] = await world.deliveriesTo(receiver)
      expect(delivery).toMatchObject({ state: 'pending', attempts: index + 1, lastStatus: 500 })
      const dueAt = delivery!.dueAt!.getTime()
      expect(dueAt - delivery!.log.at(-1)!.at.getTime()).toBe(seconds * 1000)
      await world.setClock(new Date(dueAt - 60_000))
      await world.run()
      expect(receiver.received).toHaveLength(index + 1)
      await world.setClock(new Date(dueAt))
      await world.run()
      expect(receiver.received).toHaveLength(index + 2)
    }
    const [delivery] = await world.deliveriesTo(receiver)
    expect(delivery).toMatchObject({ state: 'failed', attempts: 6, dueAt: null, lastError: 'answered 500' })
    expect(delivery!.log).toHaveLength(6)
    expect(delivery!.log[0]).toMatchObject({ status: 500, error: 'answered 500', response: 'down' })
    expect(new Set(receiver.received.map(idOf))).toEqual(new Set([delivery!.noticeId]))
    await world.setClock(new Date(Date.now() + 86_400_000))
    await world.run()
    expect(receiver.received).toHaveLength(6)
  })

  it('JP-168 a receiver that comes up again gets the same message then, and no more', async () => {
    const receiver = await world.receiver()
    receiver.answer = (response) => response.writeHead(503).end()
    await world.emit('test.said', [message(receiver.url)])
    await world.run()
    receiver.answer = (response) => response.writeHead(204).end()
    await world.setClock((await world.deliveriesTo(receiver))[0]!.dueAt!)
    await world.run()
    const [first, second] = receiver.received
    expect(receiver.received).toHaveLength(2)
    expect(idOf(first!)).toBe(idOf(second!))
    expect(first!.body).toBe(second!.body)
    new Webhook(SECRET).verify(second!.body, second!.headers as Record<string, string>)
    const [delivery] = await world.deliveriesTo(receiver)
    expect(delivery).toMatchObject({ state: 'delivered', attempts: 2, lastStatus: 204, lastError: null })
    expect(delivery!.deliveredAt).toEqual(delivery!.log[1]!.at)
  })

  it('D-25 a port where nobody listens is a failed attempt like any other', async () => {
    const receiver = await world.receiver()
    await receiver.close()
    await world.emit('test.said', [message(receiver.url)])
    await world.run()
    const [delivery] = await world.deliveriesTo(receiver)
    expect(delivery).toMatchObject({ state: 'pending', attempts: 1, lastStatus: null })
    expect(delivery!.lastError).toMatch(/^url_unreachable: .*ECONNREFUSED/)
  })

  it('D-25 a redirect, be it to a neighbour or to the metadata service, is not followed', async () => {
    const neighbour = await world.receiver()
    const receiver = await world.receiver()
    receiver.answer = (response, { path }) => {
      const location = path === '/neighbour' ? neighbour.url : 'http://169.254.169.254/latest/meta-data'
      response.writeHead(302, { location }).end()
    }
    await world.emit('test.said', [message(`${receiver.url}/neighbour`), message(`${receiver.url}/metadata`)])
    await world.run()
    expect(neighbour.received).toHaveLength(0)
    expect(receiver.received).toHaveLength(2)
    for (const delivery of await world.deliveriesTo(receiver)) {
      const error = 'answered 302; redirects are not followed'
      expect(delivery).toMatchObject({ state: 'pending', lastStatus: 302, lastError: error })
    }
  })

  it('PA-29 an address inside is not called at all', async () => {
    const inside = 'http://169.254.169.254/latest/meta-data'
    await world.emit('test.said', [message(inside)])
    await world.run()
    expect((await world.deliveriesTo({ url: inside }))[0]!.lastError).toMatch(/^url_not_allowed/)
  })

  it('D-25 410 is taken at its word', async () => {
    const receiver = await world.receiver()
    receiver.answer = (response) => response.writeHead(410).end()
    await world.emit('test.said', [message(receiver.url)])
    await world.run()
    expect((await world.deliveriesTo(receiver))[0]).toMatchObject({ state: 'disabled', dueAt: null, attempts: 1 })
  })

  it('JP-169 without a secret nothing is sent', async () => {
    const receiver = await world.receiver()
    const recipientId = newId()
    world.secrets.set(recipientId, [])
    await world.emit('test.said', [message(receiver.url, { recipientId })])
    await world.run()
    expect(receiver.received).toHaveLength(0)
    expect((await world.deliveriesTo(receiver))[0]).toMatchObject({ state: 'failed', attempts: 1 })
  })

  it('a slow receiver holds nobody back, not even with a long queue', async () => {
    const slow = await world.receiver()
    const quick = await world.receiver()
    const { hold, open } = gate()
    slow.answer = hold
    const recipientId = newId()
    await world.emit(
      'test.said',
      Array.from({ length: 40 }, (_, index) => message(`${slow.url}/${index}`, { recipientId })),
    )
    const { sweeps } = world.senders({ limits: { concurrency: 8, perRecipient: 3 } })
    const sweeper = world.sweeperOver([world.fanOut, ...sweeps])
    sweeper.start()
    await vi.waitFor(() => expect(slow.received).toHaveLength(3), { timeout: 5000 })
    await world.emit(
      'test.said',
      Array.from({ length: 20 }, () => message(quick.url)),
    )
    await vi.waitFor(() => expect(quick.received).toHaveLength(20), { timeout: 5000 })
    expect(slow.received).toHaveLength(3)
    slow.answer = (response) => response.end()
    open()
    await vi.waitFor(() => expect(slow.received).toHaveLength(40), { timeout: 10_000 })
    await sweeper.stop()
  })

  it('two senders on one database send each delivery once', async () => {
    const receivers = await Promise.all([world.receiver(), world.receiver(), world.receiver()])
    const messages = Array.from({ length: 120 }, (_, index) => message(receivers[index % 3]!.url))
    await world.emit('test.said', messages)
    await world.sweeperOver([world.fanOut]).runUntilIdle()
    const other = openStore({ url: world.database.url })
    const sweepers = [world.store, other].map((store) => world.sweeperOver(world.senders({ store }).sweeps))
    await Promise.all(sweepers.map((sweeper) => sweeper.runUntilIdle()))
    await other.close()
    const ids = receivers.flatMap(({ received }) => received.map(idOf))
    expect(ids).toHaveLength(120)
    expect(new Set(ids).size).toBe(120)
  })

  it('C2-15 a sender killed between send and outcome: the message is sent again under the same webhook-id', async () => {
    const receiver = await world.receiver()
    await world.emit('test.said', [message(receiver.url)])
    await world.sweeperOver([world.fanOut]).runUntilIdle()
    const program = `
      import { openStore } from '#platform/db'
      import { createOutbound } from '#platform/outbound/index'
      import { createWebhooks } from '#webhooks'
      const plain = { name: 'plain', hears: () => false, compose: async () => [], headers: () => ({}) }
      const { sweeps } = createWebhooks({
        store: openStore({ url: process.env.DATABASE }),
        outbound: createOutbound({ allowLoopback: true, ownPorts: () => [] }),
        formats: [plain],
        secretsOf: async (_db, ids) => new Map(ids.map((id) => [id, [process.env.SECRET]])),
        log: console,
        limits: { leaseSeconds: 0 },
      })
      while (true) await sweeps[0].run()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: SERVER,
      env: { DATABASE: world.database.url, SECRET },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const dead = new Promise((done) => child.on('exit', done))
    receiver.answer = () => void child.kill('SIGKILL')
    await dead
    expect(receiver.received.length).toBeGreaterThanOrEqual(1)
    expect((await world.deliveriesTo(receiver))[0]).toMatchObject({ state: 'pending', attempts: 0, log: [] })
    const before = receiver.received.length
    receiver.answer = (response) => response.end()
    await world.run()
    expect(receiver.received).toHaveLength(before + 1)
    expect(new Set(receiver.received.map(idOf)).size).toBe(1)
    expect((await world.deliveriesTo(receiver))[0]).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  it('a sender whose lease went to another has no say any more, but its attempt is in the log', async () => {
    const receiver = await world.receiver()
    const { hold, open } = gate()
    receiver.answer = hold
    await world.emit('test.said', [message(receiver.url)])
    await world.sweeperOver([world.fanOut]).runUntilIdle()
    const late = world.senders({ limits: { leaseSeconds: 0 } })
    await late.sweeps[0]!.run()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    receiver.answer = (response) => response.writeHead(410).end()
    await world.run()
    open()
    await late.settled()
    const [delivery] = await world.deliveriesTo(receiver)
    expect(delivery).toMatchObject({ state: 'disabled', attempts: 1 })
    expect(delivery!.log.map(({ status }) => status)).toEqual([410, 200])
  })

  it('what breaks on our side costs the receiver no attempt', async () => {
    const receiver = await world.receiver()
    await world.emit('test.said', [message(receiver.url)])
    const fetch = () => Promise.reject(new Error('closed'))
    const broken = world.senders({ outbound: { fetch }, limits: { leaseSeconds: 0 } })
    await world.sweeperOver([world.fanOut]).runUntilIdle()
    await broken.sweeps[0]!.run()
    await broken.settled()
    expect(world.errors).not.toHaveLength(0)
    await world.run()
    expect((await world.deliveriesTo(receiver))[0]).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  it('D-25 redelivery sends a closed delivery again, with the same webhook-id and a new schedule', async () => {
    const receiver = await world.receiver()
    receiver.answer = (response) => response.writeHead(410).end()
    await world.emit('test.said', [message(receiver.url)])
    await world.run()
    const { id, noticeId, endpointId } = (await world.deliveriesTo(receiver))[0]!
    receiver.answer = (response) => response.end()
    const again = () => world.store.transact((tx) => redeliver(tx, { deliveryId: id, partyId: null }))
    await expect(again()).rejects.toMatchObject({ code: 'endpoint_disabled' })
    await world.store.transact((tx) => enableEndpoint(tx, { endpointId, partyId: null }))
    await again()
    await world.run()
    expect(receiver.received.map(idOf)).toEqual([noticeId, noticeId])
    expect((await world.deliveriesTo(receiver))[0]).toMatchObject({ state: 'delivered', attempts: 1 })
    for (const deliveryId of [newId(), 'nonsense']) {
      const refused = world.store.transact((tx) => redeliver(tx, { deliveryId, partyId: null }))
      await expect(refused).rejects.toMatchObject({ code: 'delivery_not_found' })
    }
  })

  it('closed deliveries are forgotten after 30 days, open ones are not', async () => {
    const receiver = await world.receiver()
    await world.emit('test.said', [message(receiver.url)])
    await world.run()
    receiver.answer = (response) => response.writeHead(500).end()
    await world.emit('test.said', [message(receiver.url)])
    await world.run()
    expect(await world.deliveriesTo(receiver)).toHaveLength(2)
    await world.setClock(new Date(Date.now() + 60 * 86_400_000))
    await world.run()
    expect(await world.deliveriesTo(receiver)).toMatchObject([{ state: 'pending' }])
  })

  it('D-25 the list of deliveries narrows to a state, a recipient and an event, and pages', async () => {
    const receiver = await world.receiver()
    const recipientId = newId()
    const messages = [message(receiver.url), message(receiver.url), message(receiver.url, { recipientId })]
    const eventName = 'test.listed'
    await world.emit(
      'test.said',
      messages.map((each) => ({ ...each, eventName })),
    )
    await world.run()
    const list = (filter: DeliveryFilter, page = 1) =>
      deliveries(world.store.read, { eventName, ...filter }, { page, limit: 2 })
    expect(await list({})).toMatchObject({ total: 3, items: [{ eventName }, { eventName }] })
    expect((await list({}, 2)).items).toHaveLength(1)
    expect(await list({ recipientId })).toMatchObject({ total: 1, items: [{ recipientId, format: 'plain' }] })
    expect(await list({ state: 'delivered' })).toMatchObject({ total: 3 })
    expect(await list({ state: 'failed' })).toEqual({ total: 0, items: [] })
    expect(await list({ eventName: 'test.other' })).toMatchObject({ total: 0 })
  })
})
