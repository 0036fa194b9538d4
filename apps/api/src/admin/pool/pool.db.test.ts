import { toPublicId } from '@lettergate/contracts/lib/ids'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
let key: string
beforeAll(async () => {
  api = await startTestApi()
  key = await api.addAdminKey()
})
afterAll(() => api.close())

const relay = {
  provider: 'smtp',
  name: 'Pool relay',
  settings: { host: 'mx.example.net', port: 587 },
  credentials: { username: 'canary-user', password: 'canary-password' },
}
const admin = (method: string, path: string, body?: unknown) =>
  api.call(method, `/v1/admin/pool${path}`, { key, body })
const tenant = () => toPublicId('ten', api.tenant.tenantId)
const send = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }

describe('/v1/admin/pool', () => {
  it('keeps connections for all tenants, never shows credentials, and no tenant sees them', async () => {
    const made = await admin('POST', '', relay)
    expect(made).toMatchObject({ status: 201, json: { provider: 'smtp', name: 'Pool relay', enabled: true } })
    const id = String(made.json.id)
    expect(made.headers.get('location')).toBe(`/v1/admin/pool/${id}`)
    expect((await admin('GET', `/${id}`)).json).toEqual(made.json)
    expect((await admin('PATCH', `/${id}`, { limits: { per_second: 5 } })).json).toMatchObject({
      limits: { per_second: 5 },
    })
    const listed = await admin('GET', '')
    expect(listed.json.data).toMatchObject([{ id }])
    expect(made.text + listed.text).not.toContain('canary')
    expect((await api.call('GET', `/v1/connections/${id}`)).status).toBe(404)
    expect((await api.call('GET', '/v1/connections')).json.data).toEqual([])
    const target = { name: 'x', targets: [{ connection: id }] }
    expect(await api.call('POST', '/v1/routes', { body: target })).toMatchObject({ status: 422 })
    const named = await api.call('POST', '/v1/send', { body: { ...send, connection: id } })
    expect(named).toMatchObject({ json: { code: 'connection-not-found' } })
    expect((await admin('DELETE', `/${id}`)).status).toBe(200)
    expect((await admin('GET', `/${id}`)).status).toBe(404)
  })

  it('does not reach the connections of tenants', async () => {
    const { json } = await api.call('POST', '/v1/connections', { body: relay })
    expect((await admin('GET', `/${json.id}`)).status).toBe(404)
    expect((await admin('DELETE', `/${json.id}`)).status).toBe(404)
    await api.call('DELETE', `/v1/connections/${json.id}`)
  })

  it('settings are changed field by field, and the version of the pool rises', async () => {
    const version = async () => {
      const text = 'select connections_version as v from tenant where id = $1'
      return (await api.db.pool.query<{ v: number }>({ text, values: [POOL_TENANT_ID] })).rows[0]?.v ?? -1
    }
    const before = [await admin('GET', '/settings'), await version()] as const
    expect(before[0].json).toMatchObject({
      default_from: null,
      bounces_pause: 0.1,
      complaints_pause: 0.003,
      ramp_from: null,
    })
    const changed = await admin('PATCH', '/settings', {
      default_from: 'Post@Gateway.example',
      bounces_warn: 0.04,
    })
    expect(changed.json).toEqual({
      ...before[0].json,
      default_from: expect.stringMatching(/^Post@gateway\.example$/i),
      bounces_warn: 0.04,
    })
    expect(await version()).toBe(before[1] + 1)
    expect((await admin('PATCH', '/settings', {})).status).toBe(422)
    expect((await admin('PATCH', '/settings', { bounces_warn: 2 })).status).toBe(422)
    await admin('PATCH', '/settings', { default_from: null })
  })

  it('the operator pauses, limits and releases a tenant, who gets an event with the reason', async () => {
    const paused = await admin('POST', `/tenants/${tenant()}/pause`, { reason: 'A list of bought addresses' })
    expect(paused).toMatchObject({
      status: 200,
      json: { tenant: tenant(), state: 'paused', by: 'operator', reason: 'A list of bought addresses' },
    })
    expect((await admin('GET', '/tenants')).json).toMatchObject({
      data: [{ state: 'paused' }],
      next_cursor: null,
    })
    const resumed = await admin('POST', `/tenants/${tenant()}/resume`, { reason: 'cleaned' })
    expect(resumed.json).toMatchObject({ state: 'ok', reason: null })
    expect((await admin('POST', `/tenants/${tenant()}/ceiling`, { recipients: 9 })).json).toMatchObject({
      ceiling: 9,
    })
    await admin('POST', `/tenants/${tenant()}/ceiling`, { recipients: null })
    const { json } = await api.call('GET', '/v1/events?cursor=beginning&types=pool.paused,pool.resumed')
    expect(json.data).toMatchObject([{ type: 'pool.paused', message_id: null }, { type: 'pool.resumed' }])
    for (const path of ['pause', 'resume'])
      expect(
        (await admin('POST', `/tenants/${toPublicId('ten', newId())}/${path}`, { reason: 'x' })).status,
      ).toBe(404)
  })
})

describe('/v1/settings', () => {
  it('shows the defaults, and changes what is named', async () => {
    const { liveKey } = await api.addTenant()
    const call = (method: string, body?: unknown) => api.call(method, '/v1/settings', { key: liveKey, body })
    const defaults = {
      pool: 'last',
      overflow: 'reject',
      on_unknown: 'hold',
      retry_hours: 72,
      recipient_domain_check: 'off',
      notices_to: null,
    }
    expect((await call('GET')).json).toEqual(defaults)
    expect((await call('PATCH', { pool: 'first', overflow: 'hold' })).json).toEqual({
      ...defaults,
      pool: 'first',
      overflow: 'hold',
    })
    expect((await call('PATCH', { retry_hours: 721 })).status).toBe(422)
    const checked = await call('PATCH', { recipient_domain_check: 'warn' })
    expect(checked.json).toMatchObject({ recipient_domain_check: 'warn' })
    const named = await call('PATCH', { notices_to: 'ops@Acme.example' })
    expect(named.json).toMatchObject({ notices_to: 'ops@acme.example' })
    expect((await call('PATCH', { notices_to: 'nobody' })).status).toBe(422)
    expect((await call('PATCH', { notices_to: null })).json).toMatchObject({ notices_to: null })
    expect((await call('PATCH', { plan: 'scale' })).status).toBe(422)
    expect((await call('GET')).json).toMatchObject({ retry_hours: 72, overflow: 'hold' })
  })
})

describe('a sender that is not proved', () => {
  it('is refused where only the pool could send, and accepted from a proved domain, the operator’s address, or a test key', async () => {
    const pool = await admin('POST', '', relay)
    await admin('PATCH', '/settings', { default_from: 'app@gateway.example' })
    const fresh = await api.addTenant()
    const submit = (from: string, apiKey = fresh.liveKey) =>
      api.call('POST', '/v1/send', { key: apiKey, body: { ...send, from } })
    // What accept knows of the pool is three seconds old at most.
    await expect
      .poll(async () => (await submit('app@acme.example')).status, { timeout: 10_000, interval: 200 })
      .toBe(422)
    expect((await submit('app@acme.example')).json).toMatchObject({
      code: 'sender-not-allowed',
      errors: [
        {
          pointer: '#/from',
          detail: expect.stringMatching(/acme\.example.*POST \/v1\/domains.*app@gateway\.example/),
        },
      ],
    })
    expect((await submit('App@gateway.example')).status).toBe(202)
    expect((await submit('app@acme.example', fresh.testKey)).status).toBe(202)
    await api.call('POST', '/v1/connections', { key: fresh.liveKey, body: relay })
    await expect
      .poll(async () => (await submit('app@acme.example')).status, { timeout: 10_000, interval: 200 })
      .toBe(202)
    await admin('DELETE', `/${pool.json.id}`)
  })
})
