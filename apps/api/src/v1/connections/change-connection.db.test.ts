import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
let id: string
beforeAll(async () => {
  const egressResolve = async (name: string) => (name === 'inner.example.net' ? ['10.9.8.7'] : [])
  api = await startTestApi({ egressResolve })
})
afterAll(() => api.close())

const relay = {
  provider: 'smtp',
  name: 'Relay',
  settings: { host: 'mx.example.net', port: 587 },
  credentials: { username: 'canary-user', password: 'canary-password' },
}
const relayShown = { name: 'Relay', settings: relay.settings, credentials_rotated_at: null }
beforeEach(async () => {
  id = String((await api.call('POST', '/v1/connections', { body: relay })).json.id)
})

const uuid = () => fromPublicId('con', id)
const patch = (body: unknown) => api.call('PATCH', `/v1/connections/${id}`, { body })

async function version(): Promise<number> {
  const { rows } = await api.db.pool.query<{ connections_version: number }>({
    text: 'select connections_version from tenant where id = $1',
    values: [api.tenant.tenantId],
  })
  return rows[0]?.connections_version ?? -1
}

async function sealed(): Promise<string> {
  const { rows } = await api.db.pool.query<{ sealed: string }>({
    text: `select encode(sealed_credentials, 'hex') as sealed from connection where id = $1`,
    values: [uuid()],
  })
  return rows[0]?.sealed ?? ''
}

describe('PATCH /v1/connections/{id}', () => {
  it.each([
    ['name', { name: 'Other' }],
    ['priority', { priority: 7 }],
    ['settings', { settings: { ...relay.settings, max_connections: 3 } }],
    ['limits', { limits: { per_second: 0.5, per_day: 100, concurrency: 3 } }],
    ['enabled', { enabled: false }],
  ])('changes %s and nothing else, and notifies workers immediately', async (_, change) => {
    const before = await api.call('GET', `/v1/connections/${id}`)
    const [oldVersion, oldSealed] = [await version(), await sealed()]
    const answer = await patch(change)
    expect(answer).toMatchObject({ status: 200, json: change })
    const after = await api.call('GET', `/v1/connections/${id}`)
    expect(after.json).toEqual(answer.json)
    expect(after.json).toEqual({ ...before.json, ...change, updated_at: after.json.updated_at })
    expect(await version()).toBe(oldVersion + 1)
    expect(await sealed()).toBe(oldSealed)
  })

  it('limits are replaced completely, and null removes them', async () => {
    await patch({ limits: { per_second: 5, per_day: 100 } })
    expect((await patch({ limits: { per_day: 7 } })).json.limits).toEqual({ per_day: 7 })
    expect((await patch({ name: 'Other' })).json.limits).toEqual({ per_day: 7 })
    expect((await patch({ limits: null })).json.limits).toEqual({})
  })

  it.each([
    ['no name', { name: '' }, '#/name'],
    ['a name of two lines', { name: 'a\nb' }, '#/name'],
    ['another provider', { provider: 'ses' }, '#/provider'],
    ['half of the credentials', { credentials: { username: 'canary' } }, '#/credentials/password'],
    ['settings without a host', { settings: { port: 587 } }, '#/settings/host'],
    ['an unknown setting', { settings: { ...relay.settings, x: 1 } }, '#/settings/x'],
    ['port 0', { settings: { ...relay.settings, port: 0 } }, '#/settings/port'],
    ['port 22', { settings: { ...relay.settings, port: 22 } }, '#/settings/port'],
    ['a private host', { settings: { host: '169.254.169.254', port: 587 } }, '#/settings/host'],
    ['a name of a private host', { settings: { host: 'inner.example.net', port: 587 } }, '#/settings/host'],
    [
      'an address for tokens that is private',
      { settings: { ...relay.settings, token_url: 'https://inner.example.net/' } },
      '#/settings/token_url',
    ],
    ['no rate', { limits: { per_second: 0 } }, '#/limits/per_second'],
    ['half a recipient', { limits: { per_day: 1.5 } }, '#/limits/per_day'],
    ['an unknown limit', { limits: { per_hour: 1 } }, '#/limits/per_hour'],
    ['enabled in words', { enabled: 'yes' }, '#/enabled'],
  ])('%s is refused with its pointer, and nothing is changed', async (_, change, pointer) => {
    const before = await version()
    const answer = await patch(change)
    expect(answer.status).toBe(422)
    expect(answer.json.errors).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]))
    expect(answer.text).not.toMatch(/canary|10\.9\.8\.7/)
    expect(await version()).toBe(before)
  })
})

describe('PATCH that points a connection to another server', () => {
  const elsewhere = { host: 'mx.evil.example', port: 587 }
  const credentials = { username: 'canary-new', password: 'canary-newer' }

  it.each([
    ['another host', elsewhere],
    ['another port', { ...relay.settings, port: 465 }],
    ['a way that is protected less', { ...relay.settings, tls: 'opportunistic' }],
    ['another place for tokens', { ...relay.settings, token_url: 'https://evil.example/token' }],
  ])(
    '%s is refused without credentials: the stored ones are not sent to that server',
    async (_, settings) => {
      const [oldVersion, oldSealed] = [await version(), await sealed()]
      const answer = await patch({ settings, name: 'Other' })
      expect(answer).toMatchObject({
        status: 422,
        json: { code: 'validation-failed', errors: [{ pointer: '#/credentials' }] },
      })
      expect((await api.call('GET', `/v1/connections/${id}`)).json).toMatchObject(relayShown)
      expect([await version(), await sealed()]).toEqual([oldVersion, oldSealed])
    },
  )

  it('is accepted with credentials, which replace the stored ones in the same step', async () => {
    const [oldVersion, oldSealed] = [await version(), await sealed()]
    const answer = await patch({ settings: elsewhere, credentials })
    expect(answer).toMatchObject({
      status: 200,
      json: { settings: elsewhere, credentials_rotated_at: expect.any(String) },
    })
    expect(answer.text).not.toContain('canary')
    expect(await version()).toBe(oldVersion + 1)
    expect(await sealed()).not.toBe(oldSealed)
  })

  it('errors of settings and of credentials are reported together', async () => {
    const { json } = await patch({ settings: { port: 587 }, credentials: { username: 'canary' } })
    const pointers = ['#/credentials/password', '#/settings/host']
    expect(json.errors).toEqual(pointers.map((pointer) => expect.objectContaining({ pointer })))
  })
})

describe('PATCH that replaces credentials', () => {
  it('seals the new ones, notifies workers, and shows neither the old nor the new ones', async () => {
    const [oldVersion, oldSealed] = [await version(), await sealed()]
    const answer = await patch({ credentials: { username: 'canary-new', password: 'canary-newer' } })
    expect(answer).toMatchObject({ status: 200, json: { id, credentials_rotated_at: expect.any(String) } })
    expect(answer.text).not.toContain('canary')
    expect(await version()).toBe(oldVersion + 1)
    expect(await sealed()).not.toBe(oldSealed)
  })

  it.each([
    ['a line break', { username: 'a\r\nb', password: 'canary' }, '#/credentials/username'],
    ['1 MB', { username: 'a', password: 'canary'.repeat(175_000) }, '#/credentials/password'],
    ['the wrong kind', { username: 'a', password: { canary: 1 } }, '#/credentials/password'],
    ['one half', { username: 'canary' }, '#/credentials/password'],
    ['another provider’s', { api_key: 'canary' }, '#/credentials/api_key'],
  ])(
    '%s is refused with its pointer, is not echoed, and the old ones stay',
    async (_, credentials, pointer) => {
      const before = await sealed()
      const answer = await patch({ credentials })
      expect(answer).toMatchObject({ status: 422, json: { code: 'validation-failed' } })
      expect(answer.json.errors).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]))
      expect(answer.text).not.toContain('canary')
      expect(await sealed()).toBe(before)
    },
  )
})

it('a connection can be created with limits', async () => {
  const limits = { per_second: 14, concurrency: 4 }
  const { json } = await api.call('POST', '/v1/connections', { body: { ...relay, limits } })
  expect(json).toMatchObject({
    limits,
    health: { state: 'closed', reason: null },
    credentials_rotated_at: null,
  })
})
