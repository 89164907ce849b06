import { expect, test } from 'vitest'
import { type Listener, listenTo, type SeenEvent } from '#tests/contracts/event-reader'
import { openReceiver } from '#tests/contracts/webhook-world'
import { type Market, withMarket } from './market.ts'
import { until } from './until.ts'

const PINGS = 4

/** Has `PINGS` events happen; a server that dies meanwhile may make it a few more. */
async function stir(market: Market, key: string): Promise<void> {
  for (let n = 0; n < PINGS; n++) await market.insist({ method: 'POST', path: '/api/v1/webhooks/ping', key })
}

async function listed(market: Market, key: string): Promise<SeenEvent[]> {
  const { body } = await market.insist({ method: 'GET', path: '/api/v1/events?limit=100', key })
  return body.events
}

/** Until every event there is has come by the stream. */
async function caughtUp(market: Market, { key, listener }: { key: string; listener: Listener }): Promise<void> {
  await market.idle()
  const count = (await listed(market, key)).length
  await until(() => listener.seen.length >= count, { what: () => `${count} events, not ${listener.seen.length}` })
}

test('D-25 an unchanged EventSource client misses nothing and hears nothing twice, though its server is stopped, killed and started again', {
  timeout: 180_000,
}, async () => {
  const receiver = await openReceiver()
  await withMarket({ roles: ['all', 'web'] }, async (market) => {
    const body = { name: 'listener', callbackUrl: receiver.url }
    const key = (await market.insist({ method: 'POST', path: '/api/v1/auth/register', body })).body.apiKey
    const [, server] = market.servers as [Market['servers'][0], Market['servers'][0]]
    const listener = listenTo(`${server.url}/api/v1/events/stream`, key)
    await until(() => listener.opened() === 1, { what: 'a stream' })
    await stir(market, key)
    await caughtUp(market, { key, listener })
    for (const [round, end] of [server.stop, server.kill].entries()) {
      await Promise.all([end(), stir(market, key)])
      await stir(market, key)
      await server.start()
      await stir(market, key)
      await caughtUp(market, { key, listener })
      expect(listener.opened()).toBe(round + 2)
    }
    const events = await listed(market, key)
    expect(events.length).toBeGreaterThanOrEqual(7 * PINGS)
    expect(listener.seen).toEqual(events)
    expect(listener.ids).toEqual(events.map(({ id }) => id))
    const sent = new Set(receiver.received.map(({ headers }) => String(headers['webhook-id'])))
    expect(sent).toEqual(new Set(listener.ids))
    expect(listener.refused).toEqual([])
    listener.close()
  }).finally(() => void receiver.close())
})

test('D-25 a server with streams open stops by itself, and ends them as they should end', {
  timeout: 120_000,
}, async () => {
  await withMarket({ roles: ['all'] }, async (market) => {
    const body = { name: 'listener' }
    const key = (await market.insist({ method: 'POST', path: '/api/v1/auth/register', body })).body.apiKey
    const [server] = market.servers as [Market['servers'][0]]
    const streams = await Promise.all(
      [1, 2, 3].map(() => fetch(`${server.url}/api/v1/events/stream`, { headers: { authorization: `Bearer ${key}` } })),
    )
    // A connection that is cut off instead of ended makes this throw.
    const texts = streams.map((stream) => stream.text())
    await server.stop()
    for (const text of await Promise.all(texts)) expect(text).toMatch(/^retry: 2000\nid: \S+\n\n(:\n\n)*$/)
  })
})
