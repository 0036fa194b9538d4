import { afterEach, describe, expect, test } from 'vitest'
import { type DnsServer, type ServedZone, startDnsServer } from '../test/dns-server.ts'
import { createDns, type Dns } from './dns.ts'

const servers: DnsServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serve(zone: ServedZone): Promise<{ server: DnsServer; dns: Dns }> {
  const server = await startDnsServer(zone)
  servers.push(server)
  const dns = createDns({ allow: [server.address], resolvers: [server.address], port: server.port })
  return { server, dns }
}

const longText = `v=DKIM1; k=rsa; p=${'A'.repeat(392)}`
const zone: ServedZone = {
  'acme.example': {
    NS: ['NS1.acme.example', 'ns2.acme.example'],
    TXT: ['v=spf1 -all', 'other'],
    MX: ['10 MX.acme.example'],
  },
  'ns1.acme.example': { A: ['127.0.0.1'] },
  'ns2.acme.example': { A: ['10.1.2.3'] },
  'lg1r._domainkey.acme.example': { TXT: [longText] },
  'bounce.acme.example': { CNAME: ['rp.gate.example'] },
  'broken.example': { fault: 'servfail' },
  'silent.example': { fault: 'silent' },
  'six.example': { AAAA: ['2001:db9::7'] },
  'many.example': { TXT: Array.from({ length: 12 }, (_, at) => `text ${at}`) },
}

describe('answers of a name server over UDP', () => {
  test.each([
    ['acme.example', 'TXT', { kind: 'found', values: ['v=spf1 -all', 'other'] }],
    ['lg1r._domainkey.acme.example', 'TXT', { kind: 'found', values: [longText] }],
    ['bounce.acme.example', 'CNAME', { kind: 'found', values: ['rp.gate.example'] }],
    ['acme.example', 'MX', { kind: 'found', values: ['10 mx.acme.example'] }],
    ['six.example', 'AAAA', { kind: 'found', values: ['2001:db9::7'] }],
    ['acme.example', 'A', { kind: 'no-record' }],
    ['_domainkey.acme.example', 'TXT', { kind: 'no-record' }],
    ['nothing.example', 'TXT', { kind: 'no-name' }],
    ['broken.example', 'TXT', { kind: 'unanswered' }],
  ] as const)('%s %s', async (name, type, wanted) => {
    const { dns } = await serve(zone)
    expect(await dns.within(({ ask }) => ask(name, type))).toEqual(wanted)
  })

  test('a server that says nothing is given up at the deadline', async () => {
    const { dns } = await serve(zone)
    expect(await dns.within(({ ask }) => ask('silent.example', 'TXT'), 200)).toEqual({ kind: 'unanswered' })
  })

  test('the same question is asked once', async () => {
    const { dns, server } = await serve(zone)
    await dns.within(({ ask }) => Promise.all([1, 2, 3].map(() => ask('acme.example', 'TXT'))))
    expect(server.asked).toEqual(['TXT acme.example'])
  })
})

describe('name servers', () => {
  test('those of the nearest zone are found from any name in it, and asked themselves', async () => {
    const { dns } = await serve(zone)
    const found = await dns.within(async ({ serversOf, askAt }) => {
      const [server] = await serversOf('_lettergate.acme.example')
      return server && [server, await askAt(server, 'acme.example', 'TXT')]
    })
    expect(found).toEqual([
      { host: 'ns1.acme.example', address: '127.0.0.1' },
      { kind: 'found', values: ['v=spf1 -all', 'other'] },
    ])
  })

  test('one at an address that is not public is not asked, even by its address', async () => {
    const { dns, server } = await serve(zone)
    const found = await dns.within(async ({ serversOf, askAt }) => [
      await serversOf('acme.example'),
      await askAt({ host: 'ns2.acme.example', address: '10.1.2.3' }, 'acme.example', 'TXT'),
    ])
    expect(found).toEqual([[{ host: 'ns1.acme.example', address: '127.0.0.1' }], { kind: 'unanswered' }])
    expect(server.asked).not.toContain('TXT acme.example')
  })

  test('without the permission of the operator a loopback address is not asked', async () => {
    const { server } = await serve(zone)
    const dns = createDns({ allow: [], resolvers: [server.address], port: server.port })
    expect(await dns.within(({ serversOf }) => serversOf('acme.example'))).toEqual([])
  })
})
