import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import sql from 'sql-template-tag'
import { createEvents } from '#events'
import { newId } from '#kernel/id'
import { createOutbound } from '#platform/outbound/index'
import { readerSweep, registerReaders } from '#platform/outbox'
import { createSweeper, type Sweep } from '#platform/sweeps'
import { openTestDatabase } from '#tests/database'
import { createWebhooks, type Delivery, deliveries, type SendingOptions, type WebhookFormat } from '#webhooks'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly received: Received[]
  /** What it does from now on; 200 with nothing at first. */
  answer: (response: ServerResponse, request: Received) => void
  close(): Promise<void>
}

/** A real HTTP server on loopback that remembers what it got. */
export async function openReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const got = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() }
      received.push(got)
      receiver.answer(response, got)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (response) => response.end(),
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return receiver
}

export const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes ok!').toString('base64')}`

export type WebhookWorld = Awaited<ReturnType<typeof openWebhookWorld>>

/** A database, a sender on it and as many receivers as asked for. Secrets not named are `SECRET`. */
export async function openWebhookWorld(formats: readonly WebhookFormat[]) {
  const database = await openTestDatabase()
  const { store } = database
  const outbound = createOutbound({ allowLoopback: true, ownPorts: () => [] })
  const receivers: Receiver[] = []
  const secrets = new Map<string, readonly string[]>()
  const errors: unknown[] = []
  const senders = (more: Partial<SendingOptions> = {}) =>
    createWebhooks({
      ...{ store, outbound, formats, ...more },
      secretsOf: async (_db, ids) => new Map(ids.map((id) => [id, secrets.get(id) ?? [SECRET]])),
      log: { error: (...told: unknown[]) => errors.push(told) } as SendingOptions['log'],
    })
  const webhooks = senders()
  const { reader } = createEvents({
    ...{ store, formats, handOn: webhooks.take, log: { error: () => {} } as SendingOptions['log'] },
    usableKeys: async (_db, keyIds) => new Set(keyIds),
  })
  await registerReaders(store, [reader])
  const sweeperOver = (sweeps: readonly Sweep[]) => createSweeper(sweeps, { error: () => {} } as SendingOptions['log'])
  const fanOut = readerSweep(store, reader)

  return {
    ...{ database, store, secrets, errors, senders, sweeperOver, fanOut },
    sweeps: [fanOut, ...webhooks.sweeps],
    receiver: async () => {
      const receiver = await openReceiver()
      receivers.push(receiver)
      return receiver
    },
    emit: (name: string, payload: unknown) =>
      store.transact(async (tx) => tx.emit({ name, subject: newId(), payload })),
    /** Everything that is due now happens. */
    run: () => sweeperOver([fanOut, ...webhooks.sweeps]).runUntilIdle(),
    /** The market's clock stands at `at` and goes on from there; it may be moved back as well. */
    setClock: (at: Date) =>
      store.transact((tx) =>
        tx.run(sql`
          update sandbox_clock set offset_ms = ceil(extract(epoch from ${at}::timestamptz - clock_timestamp()) * 1000)`),
      ),
    /** Newest first. */
    deliveriesTo: async ({ url }: { url: string }): Promise<readonly Delivery[]> => {
      const { items } = await deliveries(store.read, {}, { page: 1, limit: 1000 })
      return items.filter((delivery) => delivery.url.startsWith(url))
    },
    close: async () => {
      outbound.close()
      await webhooks.settled()
      await Promise.all(receivers.map((receiver) => receiver.close()))
      await database.close()
    },
  }
}

/** A format for trying out the sending itself: the event carries its messages. */
export const PLAIN: WebhookFormat = {
  name: 'plain',
  types: ['test.said'],
  hears: (eventName) => eventName === 'test.said',
  compose: async (_db, { payload }) => payload as Awaited<ReturnType<WebhookFormat['compose']>>,
  headers: ({ eventName }) => ({ 'x-plain-event': eventName }),
}
