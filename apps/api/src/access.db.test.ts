import { ID_PREFIXES, toPublicId } from '@lettergate/contracts/lib/ids'
import { bulk, exampleBodies, message, relay, route } from '@lettergate/contracts/test/example-bodies'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'
import { apiRoutes } from './api-routes.ts'
import type { Route } from './http/route.ts'
import { providerEventRoutes } from './v1/provider-events/index.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const routes = [...apiRoutes, providerEventRoutes]
  .flatMap((group) => group.routes)
  .map((route) => [`${route.method} ${route.url}`, route] as const)
const adminNamed = routes.filter(([, { scope }]) => scope === 'admin')
const named = routes.filter(([, { scope }]) => scope !== 'admin')

/** Calls a route with a body that it would take. */
function callRoute({ method, url }: Route, key: string | null, id: unknown = 'x') {
  const path = url.replace(':id', String(id)).replace(':number', '0')
  return api.call(method, path, { key, body: exampleBodies[`${method} ${url}`] })
}

const ANY_ID = new RegExp(`(lgu|${ID_PREFIXES.join('|')})_\\w+`, 'g')
const withoutIds = (text: string) => text.replaceAll(ANY_ID, '$1')

async function makeInbound(): Promise<unknown> {
  const id = newId()
  await api.db.pool.query({
    text: `insert into inbound_message (tenant_id, id, mode, kind, raw_id, sender, recipient, remote_address, helo, is_tls, bytes)
           values ($1, $2, 'live', 'route', $2, '', '', '', '', false, 1)`,
    values: [api.tenant.tenantId, id],
  })
  return toPublicId('inb', id)
}

/** Not by the API: the tests above have made more keys than a tenant may. */
async function makeKey(): Promise<unknown> {
  await api.addKey(api.tenant.tenantId, ['messages:send'])
  const { rows } = await api.db.pool.query({
    text: 'select id from api_key where tenant_id = $1 order by created_at desc limit 1',
    values: [api.tenant.tenantId],
  })
  return toPublicId('key', rows[0].id)
}

async function make(path: string, body = exampleBodies[`POST ${path}`]): Promise<unknown> {
  const { status, json } = await api.call('POST', path, { body })
  if (json.id === undefined)
    throw new Error(`${status}: a POST to ${path} made nothing, so MAKERS has to say how one is made`)
  return json.id
}

/** How what a path is about is made, unless a POST of its example body to the same path makes it. */
const MAKERS: Record<string, () => Promise<unknown>> = {
  '/v1/messages': () => make('/v1/send'),
  '/v1/messages/bulk/jobs': () => make('/v1/messages/bulk', bulk),
  '/v1/suppressions/jobs': () => make('/v1/suppressions/export'),
  '/v1/inbound/messages': makeInbound,
  '/v1/inbound/mailboxes': () => make('/v1/inbound/mailboxes', { name: `In ${newId()}` }),
  '/v1/domains': () => make('/v1/domains', { name: `${newId()}.example` }),
  '/v1/keys': makeKey,
  '/v1/routes': async () => make('/v1/routes', route(await make('/v1/connections', relay))),
}

describe('access', () => {
  it('the table of routes has every call of the reference that needs a key', async () => {
    const { json } = await api.call('GET', '/openapi.json')
    const paths = Object.entries(json.paths ?? {}).flatMap(([path, operations]) =>
      Object.keys(operations ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const open = ['GET /healthz', 'GET /readyz', 'POST /v1/hooks/{provider}/{connection}/{token}']
    expect(paths.filter((path) => !open.includes(path)).sort()).toEqual(
      routes.map(([name]) => name.replaceAll(/:(\w+)/g, '{$1}')).sort(),
    )
  })

  it('every route that takes a body, and no other, has one in packages/contracts/test/example-bodies.ts', () => {
    const takers = routes.filter(([, { declared }]) => declared.body ?? declared.bodyInReference)
    expect(Object.keys(exampleBodies).sort()).toEqual(takers.map(([name]) => name).sort())
  })

  it.each(adminNamed)('%s is refused without a key and to every key of a tenant', async (_, route) => {
    expect((await callRoute(route, null)).status).toBe(401)
    for (const key of [api.tenant.liveKey, api.tenant.testKey])
      expect(await callRoute(route, key)).toMatchObject({
        status: 403,
        json: { code: 'insufficient-scope' },
      })
  })

  it.each(named)('%s is refused without a key', async (_, route) => {
    const answer = await callRoute(route, null)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  it.each(named)('%s is refused to a key without its scope', async (_, route) => {
    const key = await api.addKey(api.tenant.tenantId, [])
    const answer = await callRoute(route, key)
    expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient-scope' } })
  })

  it.each(
    named.flatMap(([name, route]) => (route.declared.id ? [[name, route, route.declared.id] as const] : [])),
  )(
    "%s answers the same bytes for another tenant's id as for an id that does not exist",
    async (_, route, kind) => {
      const [collection = ''] = route.url.split('/:id')
      const mine = await (MAKERS[collection]?.() ?? make(collection))
      const other = await api.addTenant()
      const ask = (id: unknown) => callRoute(route, other.liveKey, id)
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

  it.each(named.filter(([, { declared }]) => declared.liveOnly))(
    '%s is refused to a test key',
    async (_, route) => {
      const answer = await callRoute(route, api.tenant.testKey)
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
      expires_at: new Date(Date.now() - 1000),
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
