import { describe, expect, it } from 'vitest'
import { reachOf } from './addresses.ts'
import { createOutbound } from './index.ts'

/** As hosts of URLs, in every spelling the URL standard understands. Each must be refused in live mode. */
const CLOSED_HOSTS = [
  // loopback, in all its dresses
  ...['127.0.0.1', '127.1', '127.0.1', '0177.0.0.1', '0x7f.0.0.1', '0x7f000001', '2130706433', '017700000001'],
  ...['127.255.255.254', '127.0.0.1.', '1２7.0.0.1', '①②⑦.0.0.1', '127。0。0。1', '%31%32%37.0.0.1'],
  ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::0001]', 'localhost', 'LOCALHOST', 'localhost.', 'a.localhost'],
  // this host, broadcast
  ...['0', '0.0.0.0', '0x0', '0.1.2.3', '[::]', '255.255.255.255'],
  // private, shared, link-local, metadata
  ...['10.0.0.1', '10.255.255.255', '012.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.1.254'],
  ...['100.64.0.1', '100.127.255.255', '100.100.100.200', '169.254.0.1', '169.254.169.254', '169.254.170.2'],
  ...['2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '168.63.129.16', '192.0.0.192'],
  // documentation, benchmarking, protocol assignments, multicast, reserved
  ...['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.255', '192.0.0.1', '192.88.99.1'],
  ...['192.31.196.1', '192.52.193.1', '192.175.48.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '254.1.1.1'],
  // IPv6: mapped, compatible, translated, tunnelled
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:10.0.0.1]', '[::ffff:169.254.169.254]', '[::ffff:8.8.8.8]'],
  ...['[::127.0.0.1]', '[::ffff:0:127.0.0.1]', '[::ffff:0:8.8.8.8]', '[64:ff9b::127.0.0.1]', '[64:ff9b::a9fe:a9fe]'],
  ...['[64:ff9b::8.8.8.8]', '[64:ff9b:1::1]', '[2002:7f00:1::]', '[2002:a9fe:a9fe::]', '[2002:808:808::1]'],
  ...['[2001::1]', '[2001:0:4136:e378:8000:63bf:3fff:fdd2]', '[2001:2::1]', '[2001:10::1]', '[2001:20::1]'],
  // IPv6: local, unique-local, site-local, documentation, multicast, unassigned
  ...['[fe80::1]', '[febf::1]', '[fc00::1]', '[fd00:ec2::254]', '[fd20:ce::254]', '[fec0::1]', '[feff::1]'],
  ...['[2001:db8::1]', '[3fff::1]', '[100::1]', '[ff02::1]', '[ff0e::1]', '[5f00::1]', '[4000::1]', '[8000::1]'],
  // names of inner networks
  ...['metadata', 'metadata.google.internal', 'printer.local', 'router.lan', 'nas.home.arpa', 'db.corp', 'x.onion'],
]

const live = createOutbound({ allowLoopback: false, ownPorts: () => [], resolve: async () => ['93.184.215.14'] })
const sandbox = createOutbound({ allowLoopback: true, ownPorts: () => [], resolve: async () => ['93.184.215.14'] })

describe('addresses a stranger must not send us to', () => {
  it('are at least sixty', () => {
    expect(CLOSED_HOSTS.length).toBeGreaterThanOrEqual(60)
  })

  it.each(CLOSED_HOSTS)('PA-29 live: https://%s is refused, at save and at call', async (host) => {
    const url = `https://${host}/hook`
    await expect(live.checkUrl(url)).rejects.toMatchObject({ code: 'url_not_allowed' })
    await expect(live.fetch({ url })).rejects.toMatchObject({ code: 'url_not_allowed' })
  })

  it.each(CLOSED_HOSTS)('a sandbox opens loopback and nothing else: %s', async (host) => {
    const url = `http://${host}/hook`
    const target = URL.parse(url)?.hostname.replace(/\.$/, '') ?? ''
    const isLoopback = /^127\.|^\[::1\]$|localhost$/.test(target)
    if (isLoopback) await sandbox.checkUrl(url)
    else await expect(sandbox.checkUrl(url)).rejects.toMatchObject({ code: 'url_not_allowed' })
  })

  it.each(CLOSED_HOSTS)('a name that resolves to %s is refused', async (host) => {
    const address = host.replace(/^\[|\]$/g, '')
    if (reachOf(address).range === 'unreadable') return
    const named = createOutbound({
      allowLoopback: false,
      ownPorts: () => [],
      resolve: async () => ['93.184.215.14', address],
    })
    await expect(named.checkUrl('https://agent.example')).rejects.toMatchObject({ code: 'url_not_allowed' })
    await expect(named.fetch({ url: 'https://agent.example' })).rejects.toMatchObject({ code: 'url_not_allowed' })
  })
})

describe('URLs a stranger may give us', () => {
  it.each([
    'https://agent.example/hook?a=b#c',
    'https://agent.example:8443/',
    'https://8.8.8.8/',
    'https://1.1.1.1:4433/x',
    'https://172.32.0.1/',
    'https://100.128.0.1/',
    'https://[2606:4700::1111]/',
    'https://bücher.example/',
    'HTTPS://AGENT.EXAMPLE',
  ])('%s passes', async (url) => {
    await live.checkUrl(url)
    await sandbox.checkUrl(url)
  })

  it.each([
    ['http://agent.example/', 'it must be https'],
    ['ftp://agent.example/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['data:text/plain,hi', 'scheme'],
    ['unix:/var/run/docker.sock', 'scheme'],
    ['//agent.example/', 'not a URL'],
    ['agent.example', 'not a URL'],
    ['https://', 'not a URL'],
    ['https://user@agent.example/', 'user name'],
    ['https://user:secret@agent.example/', 'user name'],
    ['https://agent.example\\@10.0.0.1/', 'backslash'],
    ['https://agent.example/ x', 'space'],
    ['ht\ntps://agent.example/', 'control character'],
    ['https://agent.example:22/', 'port 22'],
    ['https://agent.example:80/', 'port 80'],
    ['https://agent.example:0/', 'port 0'],
    ['https://agent.example:6379/', 'port 6379'],
    ['https://agent.example:99999/', 'not a URL'],
    ['https://1.2.3.4.5/', 'not a URL'],
    ['https://256.0.0.1/', 'not a URL'],
    ['https://agent..example/', 'not a name'],
    ['https://[fe80::1%25eth0]/', 'not a URL'],
    [`https://agent.example/${'a'.repeat(2048)}`, 'longer'],
  ])('live: %s is refused', async (url, rule) => {
    await expect(live.checkUrl(url)).rejects.toThrow(rule)
  })

  it('a name without an address yet may be saved, and is not called', async () => {
    const outbound = createOutbound({
      allowLoopback: false,
      ownPorts: () => [],
      resolve: async () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })),
    })
    await outbound.checkUrl('https://later.example')
    await expect(outbound.fetch({ url: 'https://later.example' })).rejects.toMatchObject({
      code: 'url_unreachable',
      details: { reason: 'ENOTFOUND' },
    })
  })

  it('a password in a refused URL is not repeated', async () => {
    const refusal = await live.checkUrl('https://user:hunter2@agent.example').catch((error: unknown) => error)
    expect(`${refusal} ${JSON.stringify(refusal)}`).not.toContain('hunter2')
  })
})
