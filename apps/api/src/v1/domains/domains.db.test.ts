import { createDns } from '@lettergate/egress/dns'
import { type DnsServer, startDnsServer } from '@lettergate/egress/test/dns-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
let server: DnsServer
beforeAll(async () => {
  server = await startDnsServer({ 'ns.example': { A: ['127.0.0.1'] } })
  api = await startTestApi({
    dns: createDns({ allow: [server.address], resolvers: [server.address], port: server.port }),
    gateway: { spfInclude: 'spf.gate.example', returnPathDomain: 'rp.gate.example', mayShare: false },
  })
})
afterAll(async () => {
  await api.close()
  await server.close()
})

const Records = z.array(
  z.looseObject({
    kind: z.string(),
    type: z.string(),
    name: z.string(),
    host: z.string(),
    value: z.string(),
    strings: z.array(z.string()).nullable(),
    status: z.string(),
    difference: z.string().nullable(),
  }),
)
const add = (name: string, key?: string) =>
  api.call('POST', '/v1/domains', { body: { name }, ...(key && { key }) })
const check = (id: unknown, key?: string) => api.call('POST', `/v1/domains/${id}/check`, key ? { key } : {})
const letCheckAgain = () =>
  api.db.pool.query({ text: `update domain set asked_at = asked_at - interval '61 seconds'` })

function publish(name: string, records: unknown) {
  server.zone[name] = { NS: ['ns.example'] }
  for (const { name: record, type, value } of Records.parse(records))
    server.zone[record] = { ...server.zone[record], [type]: [value] }
}

describe('/v1/domains', () => {
  it('answers the records to add, a long key also in two strings, and no private key', async () => {
    const made = await add('Bücher.example')
    expect(made).toMatchObject({
      status: 201,
      json: {
        name: 'xn--bcher-kva.example',
        unicode_name: 'bücher.example',
        status: 'not_started',
        lost_at: null,
      },
    })
    expect(made.headers.get('location')).toBe(`/v1/domains/${made.json.id}`)
    const records = Records.parse(made.json.records)
    expect(records.map(({ kind, type, host }) => [kind, type, host.replace(/lg\w{6}/, 'lg')])).toEqual([
      ['ownership', 'TXT', '_lettergate'],
      ['dkim', 'TXT', 'lgr._domainkey'],
      ['dkim', 'TXT', 'lge._domainkey'],
      ['return_path', 'CNAME', 'bounce'],
      ['spf', 'TXT', '@'],
      ['dmarc', 'TXT', '_dmarc'],
    ])
    const rsa = records[1]
    expect(rsa?.strings?.map(({ length }) => length <= 255)).toEqual([true, true])
    expect(rsa?.strings?.join('')).toBe(rsa?.value)
    expect(rsa?.value).toHaveLength(410)
    expect(records[2]?.value).toHaveLength(66)
    expect(made.text).not.toMatch(/private|sealed/)
  })

  it.each([
    ['app@acme.example', 'enter only the domain: acme.example'],
    ['https://acme.example', 'enter only the domain: acme.example'],
    ['github.io', 'shared by many'],
    ['co.uk', 'public suffix'],
  ])('%s is refused with advice', async (name, advice) => {
    expect(await add(name)).toMatchObject({
      status: 422,
      json: {
        code: 'validation-failed',
        errors: [{ pointer: '#/name', detail: expect.stringContaining(advice) }],
      },
    })
  })

  it('is verified by a check once its records are there, and shows what is different before', async () => {
    const { json } = await add('shop.example')
    server.zone['shop.example'] = { NS: ['ns.example'] }
    const before = await check(json.id)
    expect(before).toMatchObject({ status: 200, json: { status: 'pending' } })
    expect(Records.parse(before.json.records)[0]).toMatchObject({
      status: 'pending',
      difference: expect.stringContaining('There is no TXT record at _lettergate.shop.example'),
    })
    publish('shop.example', json.records)
    const early = await check(json.id)
    expect(early).toMatchObject({ status: 429, json: { code: 'rate-limited' } })
    expect(early.headers.get('retry-after')).toBe('60')
    await letCheckAgain()
    const after = await check(json.id)
    expect(after).toMatchObject({
      status: 200,
      json: { status: 'verified', has_return_path: true, reason: null },
    })
    expect(Records.parse(after.json.records).map(({ status }) => status)).toEqual(Array(6).fill('verified'))
    const events = await api.call('GET', '/v1/events?cursor=beginning&types=domain.verified')
    expect(events.json).toMatchObject({
      data: [{ type: 'domain.verified', detail: { domain: 'shop.example' } }],
    })
  })

  it('is refused to a second tenant while the first has it', async () => {
    const first = await add('taken.example')
    publish('taken.example', first.json.records)
    expect((await check(first.json.id)).json.status).toBe('verified')
    const other = await api.addTenant()
    const second = await add('taken.example', other.liveKey)
    const [ownership] = Records.parse(second.json.records)
    const name = ownership?.name ?? ''
    const firstToken = server.zone[name]?.TXT ?? []
    server.zone[name] = { TXT: [...firstToken, ownership?.value ?? ''] }
    expect(await check(second.json.id, other.liveKey)).toMatchObject({
      status: 409,
      json: { code: 'domain-taken', detail: expect.stringContaining('Another tenant') },
    })
  })

  it('rotates keys of a verified domain, and no others', async () => {
    const { json } = await add('turn.example')
    expect(await api.call('POST', `/v1/domains/${json.id}/rotate-dkim`)).toMatchObject({
      status: 409,
      json: { code: 'wrong-state', detail: expect.stringContaining('not in use yet') },
    })
    publish('turn.example', json.records)
    await check(json.id)
    const rotated = await api.call('POST', `/v1/domains/${json.id}/rotate-dkim`)
    const keys = Records.parse(rotated.json.records).filter(({ kind }) => kind === 'dkim')
    expect(keys.map(({ key_state }) => key_state).sort()).toEqual(['active', 'active', 'new', 'new'])
  })

  it('lists and deletes; the same name again has other records', async () => {
    const tenant = await api.addTenant()
    const first = await add('gone.example', tenant.liveKey)
    expect(await add('GONE.example', tenant.testKey)).toMatchObject({
      status: 409,
      json: { code: 'wrong-state' },
    })
    const key = { key: tenant.liveKey }
    const listed = await api.call('GET', '/v1/domains', key)
    const { records: _records, ...summary } = first.json
    expect(listed.json).toEqual({ data: [summary] })
    expect((await api.call('DELETE', `/v1/domains/${first.json.id}`, key)).status).toBe(204)
    expect((await api.call('GET', `/v1/domains/${first.json.id}`, key)).status).toBe(404)
    const again = await add('gone.example', tenant.liveKey)
    const values = ({ json }: typeof again) =>
      Records.parse(json.records)
        .slice(0, 3)
        .map(({ value }) => value)
    expect(values(again).some((value) => values(first).includes(value))).toBe(false)
  })

  it('GET /v1/pool/spf shows the names of the gateway', async () => {
    expect((await api.call('GET', '/v1/pool/spf')).json).toMatchObject({
      include: 'spf.gate.example',
      record: 'v=spf1 include:spf.gate.example ~all',
      return_path_domain: 'rp.gate.example',
    })
  })
})
