import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi({ trustedProxies: ['127.0.0.0/8'] })
})
afterAll(() => api.close())

const Entries = z.array(
  z.object({
    seq: z.number(),
    tenant: z.string().nullable(),
    actor: z
      .object({
        kind: z.string(),
        key_id: z.string().nullable(),
        request_id: z.string().nullable(),
        address: z.string().nullable(),
      })
      .loose(),
    action: z.string(),
    target: z.string(),
    target_id: z.string(),
    before: z.record(z.string(), z.unknown()).nullable(),
    after: z.record(z.string(), z.unknown()).nullable(),
  }),
)
const list = async (query = '', key?: string) =>
  Entries.parse((await api.call('GET', `/v1/audit${query}`, key === undefined ? {} : { key })).json.data)

const relay = {
  provider: 'smtp',
  name: 'Relay',
  settings: { host: 'mx.example.net', port: 587 },
  credentials: { username: 'app', password: 'very secret password' },
}

it('each changing request is in the log with its key, its request and its address; ids are public, secrets are not in it', async () => {
  const headers = { 'x-request-id': 'my-request-1', 'x-forwarded-for': '198.51.100.7' }
  const made = await api.call('POST', '/v1/connections', { body: relay, headers })
  const id = String(made.json.id)
  await api.call('PATCH', `/v1/connections/${id}`, { body: { name: 'Other' } })
  const targets = [{ connection: id }]
  const route = await api.call('POST', '/v1/routes', {
    body: { name: 'All', position: 1, match: {}, strategy: 'ordered', targets },
  })
  const [routed, renamed, created] = await list('?limit=3')
  expect(created).toMatchObject({
    actor: { kind: 'key', request_id: 'my-request-1', address: '198.51.100.7' },
    action: 'created',
    target: 'connection',
    target_id: id,
    before: null,
    after: { name: 'Relay', provider: 'smtp' },
  })
  expect(created?.actor.key_id).toMatch(/^key_/)
  expect(renamed).toMatchObject({ action: 'updated', before: { name: 'Relay' }, after: { name: 'Other' } })
  expect(routed).toMatchObject({ target: 'route', target_id: route.json.id, after: { name: 'All' } })
  const text = JSON.stringify(routed?.after)
  expect(text).toContain(id)
  expect(JSON.stringify(await list())).not.toContain('very secret')
  const keyId = created?.actor.key_id ?? ''
  expect((await list(`?target=connection&target_id=${id}`)).map(({ action }) => action)).toEqual([
    'updated',
    'created',
  ])
  expect((await list(`?actor=${keyId}`)).length).toBe(3)
  expect(await list('?actor=admin')).toEqual([])
  const updated = await list(`?actor=${keyId}&action=updated`)
  expect(updated.length).toBeGreaterThan(0)
  expect(new Set(updated.map(({ action }) => action))).toEqual(new Set(['updated']))
  expect(await list('?actor=anna@gate-1')).toEqual([])
  expect(await list(`?until=2020-01-01T00:00:00Z`)).toEqual([])
  expect((await list(`?since=2020-01-01T00:00:00Z&target=route`)).length).toBe(1)
})

it('an address that is not one is not kept, and a refused request leaves nothing', async () => {
  const before = await list()
  const body = { name: 'x', position: 1, match: {}, strategy: 'ordered', targets: 'none' }
  expect((await api.call('POST', '/v1/routes', { body })).status).toBe(422)
  expect(await list()).toEqual(before)
  await api.call('POST', '/v1/endpoints/default-secret/rotate', {
    headers: { 'x-forwarded-for': "'; drop table route" },
  })
  const [last] = await list('?limit=1')
  expect(last).toMatchObject({ target: 'default_secret', actor: { kind: 'key', address: null } })
  expect(last?.after).toMatchObject({ sealed_secrets: null })
})

it('the log is read in pages and as a stream of lines, each once, without a gap', async () => {
  const { liveKey } = await api.addTenant()
  for (let n = 0; n < 7; n += 1)
    await api.call('POST', '/v1/connections', { key: liveKey, body: { ...relay, name: `R${n}` } })
  const paged: number[] = []
  for (let cursor: unknown = ''; cursor !== null; ) {
    const { json } = await api.call('GET', `/v1/audit?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`, {
      key: liveKey,
    })
    paged.push(...Entries.parse(json.data).map(({ seq }) => seq))
    cursor = json.next_cursor
  }
  const answer = await api.call('GET', '/v1/audit/export', { key: liveKey })
  expect(answer.headers.get('content-type')).toContain('application/x-ndjson')
  const lines = answer.text
    .trimEnd()
    .split('\n')
    .map((line) => Entries.element.parse(JSON.parse(line)))
  expect(lines.map(({ seq }) => seq)).toEqual(paged)
  expect(paged).toEqual([...paged].sort((a, b) => b - a))
  // The tenant and its two keys, then the connections.
  expect(paged).toHaveLength(10)
  const other = await api.call('GET', '/v1/audit/export?target=connection')
  expect(other.text).not.toContain('"R1"')
})

it('the operator sees the changes of all tenants and its own, and is named in them', async () => {
  const key = await api.addAdminKey()
  const made = await api.call('POST', '/v1/admin/tenants', { key, body: { name: 'Audited', plan: 'free' } })
  const { id } = z.object({ id: z.string() }).parse(made.json.tenant)
  await api.call('POST', `/v1/admin/tenants/${id}/suspend`, { key, body: { reason: 'unpaid' } })
  await api.call('POST', '/v1/admin/plans', { key, body: { name: 'audited', accepted_per_day: 1 } })
  const read = async (query: string) =>
    Entries.parse((await api.call('GET', `/v1/admin/audit?${query}`, { key })).json.data)
  const [suspended] = await read(`tenant=${id}&target=tenant`)
  expect(suspended).toMatchObject({
    tenant: id,
    actor: { kind: 'admin' },
    before: { suspended_reason: null },
    after: { suspended_reason: 'unpaid' },
  })
  expect(await read('target=plan&target_id=audited')).toMatchObject([
    { tenant: null, target_id: 'audited', action: 'created' },
  ])
  expect((await read(`tenant=${id}`)).length).toBe(4)
  const lines = await api.call('GET', `/v1/admin/audit/export?tenant=${id}`, { key })
  expect(lines.text.trimEnd().split('\n')).toHaveLength(4)
})
