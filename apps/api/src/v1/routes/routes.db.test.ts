import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const relay = {
  provider: 'smtp',
  name: 'Relay',
  settings: { host: 'mx.example.net', port: 587 },
  credentials: { username: 'u', password: 'p' },
}

async function connect(key?: string): Promise<string> {
  const { json } = await api.call('POST', '/v1/connections', { body: relay, ...(key && { key }) })
  return String(json.id)
}

const version = async () =>
  (
    await api.db.pool.query<{ v: number }>({
      text: 'select connections_version as v from tenant where id = $1',
      values: [api.tenant.tenantId],
    })
  ).rows[0]?.v

describe('/v1/routes', () => {
  it('stores a route, shows the same values, and a change replaces only the fields that it names', async () => {
    const [first, second] = [await connect(), await connect()]
    const body = {
      name: 'Receipts',
      position: 7,
      match: { tag: 'receipt', recipient_domain: 'Example.NET' },
      strategy: 'weighted',
      targets: [{ connection: first, weight: 3 }, { connection: second }],
    }
    const created = await api.call('POST', '/v1/routes', { body })
    expect(created).toMatchObject({
      status: 201,
      json: {
        match: { tag: 'receipt', recipient_domain: 'example.net' },
        targets: [
          { connection: first, weight: 3 },
          { connection: second, weight: 1 },
        ],
        enabled: true,
      },
    })
    const path = `/v1/routes/${created.json.id}`
    expect(created.headers.get('location')).toBe(path)
    expect((await api.call('GET', path)).json).toEqual(created.json)
    const changed = await api.call('PATCH', path, { body: { enabled: false } })
    expect(changed.json).toEqual({
      ...created.json,
      enabled: false,
      updated_at: changed.json.updated_at,
    })
    expect((await api.call('DELETE', path)).status).toBe(204)
    for (const method of ['GET', 'DELETE']) expect((await api.call(method, path)).status).toBe(404)
    expect((await api.call('PATCH', path, { body: { enabled: true } })).status).toBe(404)
  })

  it('every change makes workers drop their cached routes', async () => {
    const connection = await connect()
    const before = await version()
    const { json } = await api.call('POST', '/v1/routes', { body: { name: 'r', targets: [{ connection }] } })
    const path = `/v1/routes/${json.id}`
    expect(await version()).toBe((before ?? 0) + 1)
    await api.call('PATCH', path, { body: { position: 1 } })
    expect(await version()).toBe((before ?? 0) + 2)
    await api.call('DELETE', path)
    expect(await version()).toBe((before ?? 0) + 3)
  })

  it('a tenant has 100 at most, also with concurrent requests', async () => {
    const { liveKey: key } = await api.addTenant()
    const connection = await connect(key)
    const make = () => api.call('POST', '/v1/routes', { key, body: { name: 'r', targets: [{ connection }] } })
    for (let n = 0; n < 95; n++) expect((await make()).status).toBe(201)
    const answers = await Promise.all(Array.from({ length: 15 }, make))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
    expect(answers.find(({ status }) => status !== 201)).toMatchObject({
      status: 409,
      json: { code: 'limit-reached', detail: expect.stringContaining('You have 100 routes') },
    })
  })

  it('lists the tenant’s own by position', async () => {
    const { liveKey: key } = await api.addTenant()
    const connection = await connect(key)
    for (const [name, position] of [
      ['b', 20],
      ['a', 10],
    ] as const)
      await api.call('POST', '/v1/routes', { key, body: { name, position, targets: [{ connection }] } })
    expect((await api.call('GET', '/v1/routes', { key })).json.data).toMatchObject([
      { name: 'a' },
      { name: 'b' },
    ])
  })

  it('a route whose only connection is deleted is disabled and named, and can be enabled only with a new connection', async () => {
    const [only, other] = [await connect(), await connect()]
    const body = { name: 'r', targets: [{ connection: only }] }
    const { json: route } = await api.call('POST', '/v1/routes', { body })
    expect((await api.call('DELETE', `/v1/connections/${only}`)).json).toMatchObject({
      id: only,
      disabled_routes: [route.id],
    })
    const path = `/v1/routes/${route.id}`
    expect((await api.call('GET', path)).json).toMatchObject({ enabled: false, targets: [] })
    expect(await api.call('PATCH', path, { body: { enabled: true } })).toMatchObject({
      status: 409,
      json: { code: 'wrong-state', detail: expect.stringContaining('new targets') },
    })
    const mended = { enabled: true, targets: [{ connection: other, weight: 1 }] }
    expect(await api.call('PATCH', path, { body: mended })).toMatchObject({ status: 200, json: mended })
  })

  it('the route of another tenant, and an unknown route, get the same 404', async () => {
    const { liveKey: key } = await api.addTenant()
    const connection = await connect()
    const { json } = await api.call('POST', '/v1/routes', { body: { name: 'r', targets: [{ connection }] } })
    const ask = async (id: unknown) => {
      const answer = await api.call('GET', `/v1/routes/${id}`, { key })
      return { ...answer.json, instance: '', request_id: '', status: answer.status }
    }
    expect(await ask(json.id)).toEqual(await ask('rte_01m7wa5yjwe1qr5m7w1gzh99cc'))
    expect((await ask(json.id)).status).toBe(404)
    const stolen = await api.call('PATCH', `/v1/routes/${json.id}`, { key, body: { name: 'mine' } })
    expect(stolen.status).toBe(404)
  })

  it('the connection of another tenant is refused as a target, and the answer names the target', async () => {
    const { liveKey } = await api.addTenant()
    const foreign = await connect(liveKey)
    const own = await connect()
    const targets = [{ connection: own }, { connection: foreign }]
    expect(await api.call('POST', '/v1/routes', { body: { name: 'r', targets } })).toMatchObject({
      status: 422,
      json: { code: 'connection-not-found', errors: [{ pointer: '#/targets/1/connection' }] },
    })
  })

  it.each([
    ['no target', { targets: [] }, '#/targets'],
    ['an unknown condition', { match: { colour: 'red' } }, '#/match/colour'],
    ['a domain that is none', { match: { from_domain: 'a b' } }, '#/match/from_domain'],
    ['an unknown strategy', { strategy: 'random' }, '#/strategy'],
    ['a negative position', { position: -1 }, '#/position'],
  ])('%s is refused with its pointer', async (_, change, pointer) => {
    const connection = await connect()
    const body = { name: 'r', targets: [{ connection }], ...change }
    const answer = await api.call('POST', '/v1/routes', { body })
    expect(answer).toMatchObject({ status: 422 })
    expect(answer.json.errors).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]))
  })

  it('needs a live key that may write connections', async () => {
    const connection = await connect()
    const body = { name: 'r', targets: [{ connection }] }
    const readOnly = await api.addKey(api.tenant.tenantId, ['connections:read'])
    expect((await api.call('POST', '/v1/routes', { body, key: api.tenant.testKey })).status).toBe(403)
    expect((await api.call('POST', '/v1/routes', { body, key: readOnly })).status).toBe(403)
    expect((await api.call('GET', '/v1/routes', { key: readOnly })).status).toBe(200)
    expect((await api.call('GET', '/v1/routes', { key: null })).status).toBe(401)
  })
})
