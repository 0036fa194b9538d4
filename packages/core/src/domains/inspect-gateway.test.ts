import { createDns } from '@lettergate/egress/dns'
import { type ServedZone, startDnsServer } from '@lettergate/egress/test/dns-server'
import { describe, expect, test } from 'vitest'
import { type GatewayFacts, inspectGateway, isGenericName, reverseName } from './inspect-gateway.ts'

const GOOD: ServedZone = {
  'gate.acme.example': { A: ['192.0.2.7'], AAAA: ['2001:db9::7'], TXT: ['v=spf1 a -all'] },
  [reverseName('192.0.2.7')]: { PTR: ['gate.acme.example'] },
  [reverseName('2001:db9::7')]: { PTR: ['gate.acme.example'] },
  'spf.acme.example': { TXT: ['v=spf1 ip4:192.0.2.7 ip6:2001:db9::7 -all'] },
  'rp.acme.example': { MX: ['10 gate.acme.example'], TXT: ['v=spf1 include:spf.acme.example -all'] },
  's1._domainkey.acme.example': { TXT: ['v=DKIM1; k=rsa; p=MIIB'] },
}
const FACTS: GatewayFacts = {
  addresses: [],
  heloName: 'gate.acme.example',
  spfInclude: 'spf.acme.example',
  returnPathDomain: 'rp.acme.example',
  dkimNames: ['s1._domainkey.acme.example'],
}

/** What is not all right, as `check subject result`, of the good zone with some changes. */
async function faults(zone: ServedZone = {}, facts: Partial<GatewayFacts> = {}): Promise<string[]> {
  const server = await startDnsServer({ ...GOOD, ...zone })
  const dns = createDns({ allow: [], resolvers: [server.address] })
  const findings = await dns.within((asker) => inspectGateway(asker, { ...FACTS, ...facts }))
  await server.close()
  expect(findings.length).toBeGreaterThan(0)
  return findings
    .filter(({ result }) => result !== 'ok')
    .map(({ check, subject, result }) => `${check} ${subject} ${result}`)
}

test('an installation whose names are right has no faults, in IPv4 and IPv6', async () => {
  expect(await faults()).toEqual([])
})

describe('each fault is found', () => {
  test.each<[string, ServedZone, Partial<GatewayFacts>, string]>([
    ['an address without a reverse record', { [reverseName('2001:db9::7')]: {} }, {}, 'PTR 2001:db9::7 fail'],
    ['an address that the name does not lead to', {}, { addresses: ['192.0.2.8'] }, 'PTR 192.0.2.8 fail'],
    [
      'a reverse record that leads nowhere',
      { [reverseName('192.0.2.7')]: { PTR: ['other.acme.example'] } },
      {},
      'PTR leads back 192.0.2.7 fail',
    ],
    [
      'another name than the greeting',
      {
        [reverseName('192.0.2.7')]: { PTR: ['other.acme.example'] },
        'other.acme.example': { A: ['192.0.2.7'] },
      },
      {},
      'PTR is HELO name 192.0.2.7 warn',
    ],
    [
      'a generic name',
      { [reverseName('192.0.2.7')]: { PTR: ['ip-192-0-2-7.isp.example'] } },
      {},
      'PTR 192.0.2.7 fail',
    ],
    [
      'a HELO name without SPF',
      { 'gate.acme.example': { A: ['192.0.2.7'] } },
      {},
      'HELO SPF gate.acme.example warn',
    ],
    ['a HELO name without address', {}, { heloName: 'no.acme.example' }, 'HELO name no.acme.example fail'],
    [
      'an include that costs look-ups',
      { 'spf.acme.example': { TXT: ['v=spf1 a:gate.acme.example -all'] } },
      {},
      'SPF include spf.acme.example warn',
    ],
    [
      'an include for everybody',
      { 'spf.acme.example': { TXT: ['v=spf1 +all'] } },
      {},
      'SPF include spf.acme.example fail',
    ],
    [
      'a return path without MX',
      { 'rp.acme.example': { TXT: ['v=spf1 -all'] } },
      {},
      'Return path MX rp.acme.example fail',
    ],
    [
      'a return path without SPF',
      { 'rp.acme.example': { MX: ['10 gate.acme.example'] } },
      {},
      'Return path SPF rp.acme.example fail',
    ],
    [
      'no DKIM key',
      { 's1._domainkey.acme.example': { TXT: ['v=DKIM1; p='] } },
      {},
      'DKIM s1._domainkey.acme.example fail',
    ],
    [
      'a name server without an answer',
      { 'spf.acme.example': { fault: 'servfail' } },
      {},
      'SPF include spf.acme.example unknown',
    ],
  ])('%s', async (_name, zone, facts, fault) => {
    expect(await faults(zone, facts)).toContain(fault)
  })
})

test.each([
  ['203-0-113-7.isp.example', '203.0.113.7', true],
  ['host-7.113.0.203.dsl-1.isp.example', '203.0.113.7', true],
  ['cb007107.isp.example', '203.0.113.7', true],
  ['mail7.acme.example', '203.0.113.7', false],
  ['mx1.eu-west-1.acme.example', '203.0.113.7', false],
  ['2001-db9-0-0-0-0-0-7.isp.example', '2001:db9::7', false],
  ['20010db9000000000000000000000007.isp.example', '2001:db9::7', true],
])('%s for %s is generic: %s', (name, address, isGeneric) => {
  expect(isGenericName(name, address)).toBe(isGeneric)
})
