import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '#tests/tidy/sources'
import { openWorld, type World } from '#tests/world'
import { freePort } from '../free-port.ts'

const RUN_MS = 60_000
const guide = readFileSync(`${ROOT}docs/guides/events.md`, 'utf8')

let world: World
let folder: string
const children: ChildProcess[] = []

beforeAll(async () => {
  world = await openWorld({ listens: true })
  folder = mkdtempSync(join(tmpdir(), 'souk-events-guide-'))
  symlinkSync(`${ROOT}node_modules`, join(folder, 'node_modules'))
}, RUN_MS)
afterAll(async () => {
  for (const child of children) child.kill()
  await world.close()
  rmSync(folder, { recursive: true })
})

const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code)

interface Run {
  readonly child: ChildProcess
  output: string
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): Run {
  const child = spawn(command, args, { cwd: folder, env: { PATH: process.env['PATH'] ?? '', ...env } })
  children.push(child)
  const run: Run = { child, output: '' }
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      run.output += chunk
    })
  return run
}

/** A program of the guide, the one that imports `from`. */
function program(from: string, env: Record<string, string>): Run {
  const code = blocks('js').find((block) => block.includes(`from '${from}'`)) ?? ''
  const file = join(folder, `${from}.mjs`)
  writeFileSync(file, code)
  return run(process.execPath, [file], env)
}

test('D-25 every command of the guide to events works as it stands', { timeout: RUN_MS }, async () => {
  const script = blocks('bash').join('\n').replaceAll('http://localhost:3000', world.url)
  expect(script.split('curl').length).toBeGreaterThan(15)
  const { child, output } = await new Promise<Run>((resolve) => {
    const bash = run('bash', ['-euc', script])
    bash.child.once('close', () => resolve(bash))
  })
  expect({ faults: output.match(/"error":"[^"]*"/g), code: child.exitCode }).toEqual({ faults: null, code: 0 })
  expect(output).toContain('"type":"webhook.ping"')
  expect(output).toMatch(/^retry: 2000$/m)
  expect(output).toMatch(/^data: \{"id":"[^"]*","type":"webhook.ping"/m)
  expect(output).toContain('"message":"It is sent again now.')
  expect(output).toMatch(/"redelivering":[12],/)
  expect(output.match(/"webhookSecret":"whsec_/g)).toHaveLength(3)
})

test('D-25 the receiver and the listener of the guide hear the same event, the receiver refuses a forged one', {
  timeout: RUN_MS,
}, async () => {
  const { body } = await world.call('POST', '/api/v1/auth/register', { body: { name: 'guided' } })
  const { apiKey: KEY, webhookSecret: WEBHOOK_SECRET } = body
  const port = String(await freePort())
  const receiver = program('standardwebhooks', { WEBHOOK_SECRET, PORT: port })
  const url = `http://localhost:${port}`
  const forged = await world.until(() =>
    fetch(url, { method: 'POST', body: '{}', headers: forgery('{}') }).catch(() => undefined),
  )
  expect(forged.status).toBe(401)
  const listener = program('eventsource', { SOUK: world.url, KEY })
  await world.call('PATCH', '/api/v1/agents/me', { key: KEY, body: { callbackUrl: url } })
  // The listener begins with what happens once it is connected.
  const ids: string[] = []
  const id = await world.until(async () => {
    ids.push((await world.call('POST', '/api/v1/webhooks/ping', { key: KEY })).body.webhookId)
    return ids.find((one) => listener.output.includes(one))
  })
  await world.until(async () => receiver.output.includes(id) || undefined)
  expect(receiver.output).toMatch(new RegExp(`${id} webhook\\.ping \\{`))
  expect(listener.output).toMatch(new RegExp(`${id} webhook\\.ping 2`))
})

function forgery(body: string): Record<string, string> {
  const id = 'msg_forged'
  const at = new Date()
  const signature = new Webhook(`whsec_${Buffer.from('somebody else').toString('base64')}`).sign(id, at, body)
  const seconds = String(Math.floor(at.getTime() / 1000))
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature }
}

test('D-25 the guide names every event there is', async () => {
  const { body } = await world.call('POST', '/api/v1/auth/register', { body: { name: 'curious' } })
  const refused = await world.call('GET', '/api/v1/events?type=none.such', { key: body.apiKey })
  const types: string[] = refused.body.types.split(', ')
  expect(types).toContain('job.created')
  expect(types.filter((type) => !guide.includes(`\`${type}\``))).toEqual([])
})
