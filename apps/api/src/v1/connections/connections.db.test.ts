import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

/** The DNS records of these names; other names have none. */
const dns: Record<string, string[]> = {
  'public.example.net': ['8.8.8.8'],
  'inner.example.net': ['8.8.8.8', '10.9.8.7'],
}
let asked: string[]
let api: TestApi
beforeAll(async () => {
  const egressResolve = async (name: string) => {
    asked.push(name)
    const addresses = dns[name]
    if (!addresses) throw new Error('queryA ETIMEOUT')
    return addresses
  }
  api = await startTestApi({ egressAllow: ['10.1.2.3:2525'], egressResolve })
})
beforeEach(() => {
  asked = []
})
afterAll(() => api.close())

const relay = {
  provider: 'smtp',
  name: 'Relay',
  settings: { host: 'mx.example.net', port: 587 },
  credentials: { username: 'canary-user', password: 'canary-password' },
}
const create = (change: Record<string, unknown> = {}) =>
  api.call('POST', '/v1/connections', { body: { ...relay, ...change } })

describe('/v1/connections', () => {
  it('stores a connection and never shows its credentials again, anywhere', async () => {
    const created = await create()
    expect(created).toMatchObject({
      status: 201,
      json: { provider: 'smtp', name: 'Relay', priority: 100, enabled: true },
    })
    expect(created.headers.get('location')).toBe(`/v1/connections/${created.json.id}`)
    const read = await api.call('GET', `/v1/connections/${created.json.id}`)
    const listed = await api.call('GET', '/v1/connections')
    const { rows } = await api.db.pool.query({
      text: 'select encode(sealed_credentials, $1) as sealed, settings from connection',
      values: ['escape'],
    })
    for (const text of [created.text, read.text, listed.text, JSON.stringify(rows)])
      expect(text).not.toContain('canary')
    expect(read.json).toEqual(created.json)
  })

  it('a tenant has 50 at most, also with concurrent requests, and the answer says so', async () => {
    const { liveKey: key, tenantId } = await api.addTenant()
    const make = () => api.call('POST', '/v1/connections', { key, body: relay })
    for (let n = 0; n < 45; n++) expect((await make()).status).toBe(201)
    const answers = await Promise.all(Array.from({ length: 15 }, make))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
    const refused = answers.filter(({ status }) => status === 409)
    expect(refused).toHaveLength(10)
    const detail =
      'You have 50 connections, which is the most that the gateway allows (limit `connections`). Delete one first.'
    expect(refused[0]?.json).toMatchObject({ code: 'limit-reached', detail })
    const { rowCount } = await api.db.pool.query({
      text: 'select from connection where tenant_id = $1',
      values: [tenantId],
    })
    expect(rowCount).toBe(50)
    // Others have their own.
    expect((await create()).status).toBe(201)
  })

  it('lists the tenant’s own, in the order in which they are used', async () => {
    const tenant = await api.addTenant()
    for (const [name, priority] of [
      ['b', 20],
      ['a', 10],
      ['c', 30],
    ] as const) {
      await api.call('POST', '/v1/connections', { body: { ...relay, name, priority }, key: tenant.liveKey })
    }
    const { json } = await api.call('GET', '/v1/connections', { key: tenant.liveKey })
    expect(json.data).toMatchObject([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
  })

  it('a deleted connection is gone', async () => {
    const { json } = await create()
    expect(await api.call('DELETE', `/v1/connections/${json.id}`)).toMatchObject({
      status: 200,
      json: { id: json.id, queued: 'move', messages: 0 },
    })
    expect((await api.call('DELETE', `/v1/connections/${json.id}`)).status).toBe(404)
    expect((await api.call('GET', `/v1/connections/${json.id}`)).status).toBe(404)
  })

  it.each([
    ['an unknown provider', { provider: 'pigeon' }, '#/provider'],
    ['a name of the prototype', { provider: 'constructor' }, '#/provider'],
    ['no host', { settings: { port: 587 } }, '#/settings/host'],
    ['an unknown setting', { settings: { ...relay.settings, x: 1 } }, '#/settings/x'],
    [
      'a credential with a line break',
      { credentials: { username: 'a\r\nb', password: 'canary' } },
      '#/credentials/username',
    ],
    [
      'a credential of 10 kB',
      { credentials: { username: 'a', password: 'canary'.repeat(2_000) } },
      '#/credentials/password',
    ],
    [
      'a credential of the wrong kind',
      { credentials: { username: 'a', password: ['canary'] } },
      '#/credentials/password',
    ],
    ['an unknown field', { colour: 'red' }, '#/colour'],
  ])('row 65: %s is refused with its pointer, and not echoed', async (_, change, pointer) => {
    const answer = await create(change)
    expect(answer).toMatchObject({ status: 422, json: { code: 'validation-failed' } })
    expect(answer.json.errors).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]))
    expect(answer.text).not.toContain('canary')
  })

  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '127.1',
    '[::1]',
    '::ffff:7f00:1',
    'localhost',
    'localhost.',
    'x.localhost',
    '10.0.0.1',
    '169.254.169.254',
    'metadata.internal',
    '127.0.0.1.nip.io',
  ])('row 66: the internal host %s is refused', async (host) => {
    expect(await create({ settings: { host, port: 587 } })).toMatchObject({
      status: 422,
      json: { code: 'url-not-allowed', errors: [{ pointer: '#/settings/host' }] },
    })
    expect(asked).toEqual([])
  })

  it.each([
    ['smtp', { host: 'inner.example.net', port: 587 }, '#/settings/host'],
    ['smtp', { host: 'inner.example.net', port: 22 }, '#/settings/port'],
    ['smtp', { ...relay.settings, token_url: 'https://inner.example.net/token' }, '#/settings/token_url'],
    [
      'direct',
      { helo_name: 'inner.example.net', instead_of_mx: { host: 'inner.example.net', port: 587 } },
      '#/settings/instead_of_mx/host',
    ],
  ])(
    'a host of %s that resolves to a private address is refused with its pointer: %j',
    async (provider, settings, pointer) => {
      const credentials = provider === 'smtp' ? relay.credentials : {}
      const answer = await create({ provider, settings, credentials })
      expect(answer).toMatchObject({
        status: 422,
        json: { code: 'url-not-allowed', errors: [{ pointer }] },
      })
      expect(answer.text).not.toContain('10.9.8.7')
    },
  )

  it.each(['public.example.net', 'unknown.example.net'])(
    'the host %s is accepted, because it may resolve later',
    async (host) => {
      expect((await create({ settings: { host, port: 587 } })).status).toBe(201)
      expect(asked).toEqual([host])
    },
  )

  it('the fixed hosts of a provider are not resolved', async () => {
    const settings = { preset: 'brevo' }
    expect((await create({ settings })).status).toBe(201)
    expect(asked).toEqual([])
  })

  it.each([22, 6379, 80])('row 66: port %i is refused', async (port) => {
    expect(await create({ settings: { host: 'mx.example.net', port } })).toMatchObject({
      status: 422,
      json: { code: 'url-not-allowed', errors: [{ pointer: '#/settings/port' }] },
    })
  })

  it('a host that the operator allows is accepted on the allowed port only', async () => {
    expect((await create({ settings: { host: '10.1.2.3', port: 2525 } })).status).toBe(201)
    expect((await create({ settings: { host: '10.1.2.3', port: 587 } })).status).toBe(422)
  })

  it('a base URL to an internal host is refused', async () => {
    const ses = {
      provider: 'ses',
      name: 'SES',
      credentials: { access_key_id: 'AKIAX', secret_access_key: 'x' },
    }
    const settings = { region: 'eu-west-1', base_url: 'http://169.254.169.254/' }
    expect(await api.call('POST', '/v1/connections', { body: { ...ses, settings } })).toMatchObject({
      status: 422,
      json: { code: 'url-not-allowed', errors: [{ pointer: '#/settings/base_url' }] },
    })
    expect(
      (await api.call('POST', '/v1/connections', { body: { ...ses, settings: { region: 'eu-west-1' } } }))
        .status,
    ).toBe(201)
  })
})
