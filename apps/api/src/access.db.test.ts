import { toPublicId } from '@lettergate/contracts/lib/ids'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
const relay = { provider: 'smtp', name: 'Relay', settings: { host: 'mx.example.net', port: 587 } }
const endpoint = { url: 'https://app.example.net/events' }

const route = (connection: unknown) => ({
  name: 'All',
  position: 1,
  match: {},
  strategy: 'ordered',
  targets: [{ connection }],
})

type Call = { method: string; path: string; body?: unknown }

/** Every call that needs a key, with a body that it would take: a route that is missing here fails the test below. */
const calls: Call[] = [
  { method: 'POST', path: '/v1/send', body: message },
  { method: 'POST', path: '/v1/send/batch', body: { messages: [message] } },
  { method: 'GET', path: '/v1/messages' },
  { method: 'POST', path: '/v1/messages/status', body: { ids: ['msg_x'] } },
  { method: 'GET', path: '/v1/messages/{id}' },
  { method: 'GET', path: '/v1/messages/{id}/events' },
  { method: 'GET', path: '/v1/messages/{id}/attempts' },
  { method: 'GET', path: '/v1/messages/{id}/explain' },
  { method: 'GET', path: '/v1/messages/{id}/raw' },
  { method: 'POST', path: '/v1/messages/{id}/cancel' },
  { method: 'POST', path: '/v1/messages/{id}/retry' },
  {
    method: 'POST',
    path: '/v1/messages/{id}/resolve',
    body: { recipient: 'user@example.net', outcome: 'sent' },
  },
  { method: 'POST', path: '/v1/connections', body: relay },
  { method: 'GET', path: '/v1/connections' },
  { method: 'GET', path: '/v1/connections/{id}' },
  { method: 'GET', path: '/v1/connections/{id}/events' },
  { method: 'PATCH', path: '/v1/connections/{id}', body: { name: 'Other' } },
  { method: 'POST', path: '/v1/connections/{id}/test', body: {} },
  { method: 'DELETE', path: '/v1/connections/{id}' },
  { method: 'POST', path: '/v1/connections/{id}/register-events', body: {} },
  { method: 'GET', path: '/v1/connections/{id}/register-events' },
  { method: 'DELETE', path: '/v1/connections/{id}/register-events' },
  { method: 'POST', path: '/v1/connections/{id}/register-events/rotate', body: {} },
  { method: 'POST', path: '/v1/routes', body: route('con_x') },
  { method: 'GET', path: '/v1/routes' },
  { method: 'GET', path: '/v1/routes/{id}' },
  { method: 'PATCH', path: '/v1/routes/{id}', body: { name: 'Other' } },
  { method: 'DELETE', path: '/v1/routes/{id}' },
  { method: 'POST', path: '/v1/endpoints', body: endpoint },
  { method: 'GET', path: '/v1/endpoints' },
  { method: 'GET', path: '/v1/endpoints/default-secret' },
  { method: 'POST', path: '/v1/endpoints/default-secret/rotate' },
  { method: 'GET', path: '/v1/endpoints/{id}' },
  { method: 'PATCH', path: '/v1/endpoints/{id}', body: { description: 'Other' } },
  { method: 'DELETE', path: '/v1/endpoints/{id}' },
  { method: 'POST', path: '/v1/endpoints/{id}/rotate-secret' },
  { method: 'POST', path: '/v1/endpoints/{id}/test' },
  { method: 'GET', path: '/v1/endpoints/{id}/deliveries' },
  { method: 'POST', path: '/v1/endpoints/{id}/replay', body: { seq: 1, dry_run: true } },
  { method: 'GET', path: '/v1/events' },
  { method: 'GET', path: '/v1/events/stream' },
  { method: 'GET', path: '/v1/suppressions' },
  { method: 'POST', path: '/v1/suppressions', body: { suppressions: [{ address: 'a@example.net' }] } },
  { method: 'GET', path: '/v1/suppressions/{address}' },
  { method: 'DELETE', path: '/v1/suppressions/{address}' },
  { method: 'POST', path: '/v1/suppressions/import', body: 'a@example.net' },
  { method: 'POST', path: '/v1/suppressions/export', body: {} },
  { method: 'GET', path: '/v1/suppressions/jobs/{id}' },
  { method: 'GET', path: '/v1/suppressions/jobs/{id}/csv' },
  { method: 'GET', path: '/v1/settings' },
  { method: 'PATCH', path: '/v1/settings', body: { pool: 'last' } },
]
/** The operator's, which no key of a tenant may call. */
const adminCalls: Call[] = [
  { method: 'GET', path: '/v1/admin/pool/settings' },
  { method: 'PATCH', path: '/v1/admin/pool/settings', body: { window_days: 7 } },
  { method: 'GET', path: '/v1/admin/pool/tenants' },
  { method: 'POST', path: '/v1/admin/pool/tenants/{id}/pause', body: { reason: 'x' } },
  { method: 'POST', path: '/v1/admin/pool/tenants/{id}/resume', body: { reason: 'x' } },
  { method: 'POST', path: '/v1/admin/pool/tenants/{id}/ceiling', body: { recipients: 1 } },
  { method: 'POST', path: '/v1/admin/pool', body: relay },
  { method: 'GET', path: '/v1/admin/pool' },
  { method: 'GET', path: '/v1/admin/pool/{id}' },
  { method: 'PATCH', path: '/v1/admin/pool/{id}', body: { name: 'Other' } },
  { method: 'POST', path: '/v1/admin/pool/{id}/test' },
  { method: 'POST', path: '/v1/admin/pool/{id}/register-events', body: {} },
  { method: 'DELETE', path: '/v1/admin/pool/{id}/register-events' },
  { method: 'DELETE', path: '/v1/admin/pool/{id}' },
]
const adminNamed = adminCalls.map((call) => [`${call.method} ${call.path}`, call] as const)
const named = calls.map((call) => [`${call.method} ${call.path}`, call] as const)
const under = named.filter(([, { path }]) => path.includes('{id}'))

const withoutIds = (text: string) =>
  text.replaceAll(/req_\w+/g, 'req').replaceAll(/(msg|con|rte|job|end)_\w+/g, '$1')

async function makeConnection(): Promise<unknown> {
  return (await api.call('POST', '/v1/connections', { body: relay })).json.id
}

/** What a path under an id is about: the prefix of its ids, and how to make one. */
function resourceOf(path: string): { kind: 'msg' | 'con' | 'rte' | 'job' | 'end'; make(): Promise<unknown> } {
  if (path.startsWith('/v1/messages')) {
    return { kind: 'msg', make: async () => (await api.call('POST', '/v1/send', { body: message })).json.id }
  }
  if (path.startsWith('/v1/connections')) return { kind: 'con', make: makeConnection }
  if (path.startsWith('/v1/endpoints')) {
    const make = async () => (await api.call('POST', '/v1/endpoints', { body: endpoint })).json.id
    return { kind: 'end', make }
  }
  if (path.startsWith('/v1/suppressions')) {
    const make = async () => (await api.call('POST', '/v1/suppressions/export', { body: {} })).json.id
    return { kind: 'job', make }
  }
  const make = async () =>
    (await api.call('POST', '/v1/routes', { body: route(await makeConnection()) })).json.id
  return { kind: 'rte', make }
}

describe('access', () => {
  it('the table of calls has every call of the reference that needs a key', async () => {
    const { json } = await api.call('GET', '/openapi.json')
    const paths = Object.entries(json.paths ?? {}).flatMap(([path, operations]) =>
      Object.keys(operations ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const open = ['GET /healthz', 'GET /readyz', 'POST /v1/hooks/{provider}/{connection}/{token}']
    expect(paths.filter((path) => !open.includes(path)).sort()).toEqual(
      [...named, ...adminNamed].map(([name]) => name).sort(),
    )
  })

  it.each(adminNamed)(
    '%s is refused to a key of a tenant, with every scope',
    async (_, { method, path, body }) => {
      for (const key of [api.tenant.liveKey, api.tenant.testKey]) {
        const answer = await api.call(method, path, { key, body })
        expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient-scope' } })
      }
      expect((await api.call(method, path, { key: null, body })).status).toBe(401)
    },
  )

  it.each(named)('%s is refused without a key', async (_, { method, path, body }) => {
    const answer = await api.call(method, path, { key: null, body })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  it.each(named)('%s is refused to a key without its scope', async (_, { method, path, body }) => {
    const key = await api.addKey(api.tenant.tenantId, [])
    const answer = await api.call(method, path, { key, body })
    expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient-scope' } })
  })

  it.each(under)(
    "%s answers the same bytes for another tenant's id as for an id that does not exist",
    async (_, { method, path, body }) => {
      const { kind, make } = resourceOf(path)
      const mine = await make()
      const other = await api.addTenant()
      const ask = (id: unknown) =>
        api.call(method, path.replace('{id}', String(id)), { key: other.liveKey, body })
      const never = toPublicId(kind, newId())
      const [theirs, none, malformed] = await Promise.all([ask(mine), ask(never), ask('nonsense')])
      expect(theirs.status).toBe(404)
      expect(withoutIds(theirs.text)).toBe(withoutIds(none.text))
      expect(withoutIds(malformed.text).replace('nonsense', kind)).toBe(withoutIds(none.text))
      expect([...theirs.headers.keys()]).toEqual([...none.headers.keys()])
    },
  )

  it('an operator key is refused by calls that need a tenant', async () => {
    const { rows } = await api.db.pool.query({ text: 'select count(*)::int as n from message' })
    const key = await api.addAdminKey()
    expect(await api.call('POST', '/v1/send', { key, body: message })).toMatchObject({ status: 403 })
    expect((await api.db.pool.query({ text: 'select count(*)::int as n from message' })).rows).toEqual(rows)
  })

  it.each(named.filter(([, { path }]) => path.startsWith('/v1/connections')))(
    '%s is refused to a test key',
    async (_, { method, path, body }) => {
      const answer = await api.call(method, path, { key: api.tenant.testKey, body })
      expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient-scope' } })
    },
  )

  it('a test key does not see live messages, and a live key does not see test messages', async () => {
    const live = await api.call('POST', '/v1/send', { body: message })
    const test = await api.call('POST', '/v1/send', { body: message, key: api.tenant.testKey })
    expect(await api.call('GET', `/v1/messages/${live.json.id}`, { key: api.tenant.testKey })).toMatchObject({
      status: 404,
    })
    expect(await api.call('GET', `/v1/messages/${test.json.id}`)).toMatchObject({ status: 404 })
  })

  it('unknown, expired and revoked keys are refused with the same bytes', async () => {
    const expired = await api.addKey(api.tenant.tenantId, ['messages:read'], {
      expiresAt: new Date(Date.now() - 1000),
    })
    const revoked = await api.addKey(api.tenant.tenantId, ['messages:read'])
    await api.db.pool.query({
      text: 'update api_key set revoked_at = now() where display = $1',
      values: [revoked.slice(0, 12)],
    })
    const foreign = revoked.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))
    const answers = await Promise.all(
      [expired, revoked, foreign, 'nonsense'].map((key) => api.call('GET', '/v1/messages', { key })),
    )
    const texts = answers.map(({ status, text }) => `${status} ${withoutIds(text)}`)
    expect(new Set(texts)).toEqual(new Set([texts[3]]))
    expect(texts[0]).toMatch(/^401 /)
  })

  it('an address that sends a hundred wrong keys in a minute has to wait; its good keys work, new ones too', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 105; i++)
      statuses.push((await api.call('GET', '/v1/messages', { key: `lg_live_${i}` })).status)
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0)
    const last = await api.call('GET', '/v1/messages', { key: 'lg_live_x' })
    expect(last).toMatchObject({ status: 429, json: { code: 'rate-limited' } })
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await api.call('GET', '/v1/messages')).status).toBe(200)
    const key = await api.addKey(api.tenant.tenantId, ['messages:read'])
    expect((await api.call('GET', '/v1/messages', { key })).status).toBe(200)
  })
})

describe('S14: behind proxies', () => {
  const wrong = (url: string, forwarded: string, i: number) =>
    fetch(`${url}/v1/messages`, {
      headers: { authorization: `Bearer lg_live_${i}`, 'x-forwarded-for': forwarded },
    }).then(({ status }) => status)

  async function statuses(url: string, forwarded: (i: number) => string): Promise<number[]> {
    const all: number[] = []
    for (let i = 0; i < 120; i++) all.push(await wrong(url, forwarded(i), i))
    return all
  }

  it('the address of the caller comes from a trusted proxy, and no caller blocks another', async () => {
    const behind = await startTestApi({ trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] })
    try {
      const one = await statuses(behind.url, () => '198.51.100.7, 10.1.2.3')
      expect(one.filter((status) => status === 429)).toHaveLength(20)
      expect(await wrong(behind.url, '198.51.100.8', 200)).toBe(401)
      // Addresses before the one that the trusted proxy saw are invented by the caller.
      expect(await wrong(behind.url, '203.0.113.5, 198.51.100.7', 201)).toBe(429)
    } finally {
      await behind.close()
    }
  })

  it('no proxy is trusted by default', async () => {
    const open = await startTestApi()
    try {
      const all = await statuses(open.url, (i) => `198.51.100.${i}`)
      expect(all.filter((status) => status === 429)).toHaveLength(20)
    } finally {
      await open.close()
    }
  })
})
