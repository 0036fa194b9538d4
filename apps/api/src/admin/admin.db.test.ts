import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type CallOptions, startTestApi, type TestApi } from '../../test/api.ts'

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }

let api: TestApi
let key: string
beforeAll(async () => {
  api = await startTestApi()
  key = await api.addAdminKey()
})
afterAll(() => api.close())

const admin = (method: string, path: string, body?: unknown, options: CallOptions = {}) =>
  api.call(method, `/v1/admin${path}`, { key, ...(body !== undefined && { body }), ...options })
const List = z.array(z.record(z.string(), z.unknown()))
const dataOf = ({ json }: { json: Record<string, unknown> }) => List.parse(json.data)
const Made = z.object({
  tenant: z.object({ id: z.string(), accepted_per_day: z.number() }).loose(),
  live_key: z.string(),
  test_key: z.string(),
})
async function create(body: object = {}) {
  return Made.parse((await admin('POST', '/tenants', { name: 'Acme', plan: 'standard', ...body })).json)
}
const uuidOf = (id: string) => fromPublicId('ten', id) ?? ''

describe('tenants', () => {
  it('a tenant is created with keys that work, found by name and id, and changed', async () => {
    const { tenant, live_key, test_key } = await create({ name: 'Needle & Co' })
    for (const made of [live_key, test_key])
      expect((await api.call('POST', '/v1/send', { key: made, body: message })).status).toBe(202)
    for (const search of ['needle', tenant.id])
      expect(dataOf(await admin('GET', `/tenants?search=${search}`))).toMatchObject([{ id: tenant.id }])
    const changed = await admin('PATCH', `/tenants/${tenant.id}`, {
      name: 'Thread',
      plan: 'free',
      retry_hours: 24,
      own_limits: { pool_per_day: 5 },
    })
    expect(changed.json).toMatchObject({
      name: 'Thread',
      plan: 'free',
      accepted_per_day: 200,
      own_limits: { pool_per_day: 5 },
      retry_hours: 24,
      state: 'active',
    })
    expect((await admin('GET', `/tenants/${tenant.id}`)).json).toEqual(changed.json)
  })

  it('a limit of its own goes before that of its plan, until it is taken back', async () => {
    const { tenant } = await create({ own_limits: { accepted_per_day: 7 } })
    expect(tenant.accepted_per_day).toBe(7)
    const patch = (own_limits: object) => admin('PATCH', `/tenants/${tenant.id}`, { own_limits })
    expect((await patch({ bytes_per_day: 1 })).json).toMatchObject({
      accepted_per_day: 7,
      own_limits: { accepted_per_day: 7, bytes_per_day: 1 },
    })
    expect((await patch({ accepted_per_day: null })).json).toMatchObject({
      accepted_per_day: 50_000,
      own_limits: { bytes_per_day: 1 },
    })
  })

  it('pages of tenants follow one another, and filters hold', async () => {
    const names = new Set<unknown>()
    for (const name of ['Page 1', 'Page 2', 'Page 3']) await create({ name, plan: 'scale' })
    for (let cursor: unknown = ''; cursor !== null; ) {
      const page = await admin(
        'GET',
        `/tenants?plan=scale&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      )
      for (const { name } of dataOf(page)) names.add(name)
      cursor = page.json.next_cursor
    }
    expect([...names].sort()).toEqual(['Page 1', 'Page 2', 'Page 3'])
    expect(dataOf(await admin('GET', '/tenants?plan=scale&state=suspended'))).toEqual([])
  })

  it('a plan that does not exist and an id that does not exist are refused', async () => {
    const refused = await admin('POST', '/tenants', { name: 'x', plan: 'gold' })
    expect(refused).toMatchObject({ status: 422, json: { errors: [{ pointer: '#/plan' }] } })
    const id = 'ten_01m7wa5yjwe1qr5m7w1gzh99cc'
    for (const [method, path, body] of [
      ['GET', `/tenants/${id}`],
      ['PATCH', `/tenants/${id}`, { name: 'x' }],
      ['POST', `/tenants/${id}/suspend`, { reason: 'x' }],
      ['POST', `/tenants/${id}/resume`],
      ['GET', `/tenants/${id}/usage`],
      ['GET', `/tenants/${id}/health`],
      ['GET', `/tenants/${id}/keys`],
      ['POST', `/tenants/${id}/keys`, {}],
      ['DELETE', `/tenants/${id}/keys/key_01m7wa5yjwe1qr5m7w1gzh99cc`],
    ] as const)
      expect([path, (await admin(method, path, body)).status]).toEqual([path, 404])
  })
})

// These wait for what the api keeps of a key for seconds.
describe.concurrent('keys', () => {
  it('keys are made with scopes, listed without themselves, and revoked within five seconds', async ({
    expect,
  }) => {
    const { tenant } = await create()
    const path = `/tenants/${tenant.id}/keys`
    const made = await admin('POST', path, { mode: 'test', scopes: ['messages:read'] })
    expect(made).toMatchObject({ status: 201, json: { info: { mode: 'test', scopes: ['messages:read'] } } })
    const good = String(made.json.key)
    expect((await api.call('GET', '/v1/messages', { key: good })).status).toBe(200)
    expect((await api.call('POST', '/v1/send', { key: good, body: message })).status).toBe(403)
    const list = await admin('GET', path)
    expect(dataOf(list)).toHaveLength(3)
    expect(list.text).not.toContain(good)
    const info = z.object({ id: z.string() }).parse(made.json.info)
    expect((await admin('DELETE', `${path}/${info.id}`)).status).toBe(204)
    await expect
      .poll(async () => (await api.call('GET', '/v1/messages', { key: good })).status, { timeout: 6_000 })
      .toBe(401)
    expect((await admin('POST', path, { scopes: ['admin'] })).status).toBe(422)
  })
})

describe.concurrent('suspension', () => {
  it('the keys of a suspended tenant can read and nothing else, with the reason, and work again after the resumption', async ({
    expect,
  }) => {
    const { tenant, live_key } = await create()
    const send = () => api.call('POST', '/v1/send', { key: live_key, body: message })
    const accepted = await send()
    const suspended = await admin('POST', `/tenants/${tenant.id}/suspend`, { reason: 'too many complaints' })
    expect(suspended.json).toMatchObject({ state: 'suspended', suspended_reason: 'too many complaints' })
    await expect.poll(async () => (await send()).status, { timeout: 6_000 }).toBe(403)
    expect((await send()).json).toMatchObject({
      code: 'tenant-suspended',
      detail: expect.stringContaining('too many complaints'),
    })
    for (const path of ['/v1/messages', `/v1/messages/${accepted.json.id}`, '/v1/events', '/v1/connections'])
      expect([path, (await api.call('GET', path, { key: live_key })).status]).toEqual([path, 200])
    const cancel = `/v1/messages/${accepted.json.id}/cancel`
    expect((await api.call('POST', cancel, { key: live_key })).json).toMatchObject({
      code: 'tenant-suspended',
    })
    // Others go on.
    expect((await api.call('POST', '/v1/send', { body: message })).status).toBe(202)
    const since = suspended.json.suspended_at
    const again = await admin('POST', `/tenants/${tenant.id}/suspend`, { reason: 'other' })
    expect(again.json).toMatchObject({ suspended_at: since, suspended_reason: 'other' })
    expect((await admin('POST', `/tenants/${tenant.id}/resume`)).json).toMatchObject({ state: 'active' })
    await expect.poll(async () => (await send()).status, { timeout: 6_000 }).toBe(202)
  }, 30_000)
})

describe('plans', () => {
  const plan = {
    name: 'trial',
    accepted_per_day: 10,
    content_days: 1,
    record_days: 5,
    resources: { routes: 2 },
  }

  it('a plan is created, changed for its tenants, and deleted when none has it', async () => {
    expect(await admin('POST', '/plans', plan)).toMatchObject({
      status: 201,
      json: { tenants: 0, egress: null },
    })
    expect(await admin('POST', '/plans', plan)).toMatchObject({ status: 409 })
    const [usual, own] = [
      await create({ plan: 'trial' }),
      await create({ plan: 'trial', own_limits: { accepted_per_day: 3 } }),
    ]
    await api.call('POST', '/v1/send', { key: usual.live_key, body: message })
    const egress = [{ protocols: ['https'], hosts: ['*.example.net'], ports: [443] }]
    const changed = await admin('PATCH', '/plans/trial', {
      accepted_per_day: 20,
      egress,
      accepted_per_month: 90,
    })
    expect(changed.json).toMatchObject({ accepted_per_day: 20, accepted_per_month: 90, egress, tenants: 2 })
    const limit = async (id: string) => (await admin('GET', `/tenants/${id}`)).json.accepted_per_day
    expect([await limit(usual.tenant.id), await limit(own.tenant.id)]).toEqual([20, 3])
    expect(await admin('DELETE', '/plans/trial')).toMatchObject({
      status: 409,
      json: { code: 'wrong-state' },
    })
    for (const { tenant } of [usual, own]) await admin('PATCH', `/tenants/${tenant.id}`, { plan: 'free' })
    const extra = await admin('PATCH', `/tenants/${own.tenant.id}`, { egress_extra: egress })
    expect(extra.json).toMatchObject({ egress_extra: egress })
    expect((await admin('PATCH', '/plans/trial', { egress: null })).json.egress).toBeNull()
    expect((await admin('DELETE', '/plans/trial')).status).toBe(204)
    expect((await admin('GET', '/plans/trial')).status).toBe(404)
    expect(dataOf(await admin('GET', '/plans')).map(({ name }) => name)).toEqual([
      'free',
      'scale',
      'standard',
    ])
  })

  it('a plan whose records end before their content is refused', async () => {
    const refused = await admin('POST', '/plans', { ...plan, content_days: 9 })
    expect(refused).toMatchObject({ status: 422, json: { errors: [{ pointer: '#/record_days' }] } })
    const changed = await admin('PATCH', '/plans/free', { content_days: 31 })
    expect(changed.status).toBe(422)
  })
})

describe('figures', () => {
  it('usage, health, backlog and overview say what there is', async () => {
    const { tenant, live_key } = await create()
    const ids: unknown[] = []
    for (let n = 0; n < 3; n += 1)
      ids.push((await api.call('POST', '/v1/send', { key: live_key, body: message })).json.id)
    await api.call('POST', `/v1/messages/${ids[0]}/hold`, { key: live_key })
    expect(dataOf(await admin('GET', `/tenants/${tenant.id}/usage?days=1`))).toMatchObject([
      { mode: 'live', accepted: 3 },
    ])
    const connection = { provider: 'capture', name: 'Test', settings: {}, credentials: {} }
    await api.call('POST', '/v1/connections', { key: live_key, body: connection })
    await api.db.pool.query({
      text: `insert into suppression (tenant_id, mode, address, stream, reason) values ($1, 'live', 'a@example.net', '*', 'complaint')`,
      values: [uuidOf(tenant.id)],
    })
    const reputation = `insert into reputation_hour (tenant_id, hour, handed, bounced_hard, complained)
      values ($1, date_trunc('hour', now()), 200, 30, 1)`
    const state = `insert into abuse_state (tenant_id, state, by, why) values ($1, 'paused', 'rule', '30 of 200 recipients bounced')`
    for (const text of [reputation, state]) await api.db.pool.query({ text, values: [uuidOf(tenant.id)] })
    expect((await admin('GET', `/tenants/${tenant.id}/health`)).json).toMatchObject({
      pool: {
        tenant: tenant.id,
        state: 'paused',
        by: 'rule',
        reason: '30 of 200 recipients bounced',
        sent: 200,
        bounced: 30,
        complained: 1,
        complaints: { rate: 0.005 },
        bounces: { rate: 0.15, at_least: expect.closeTo(0.113, 3) },
      },
      connections: [{ name: 'Test', circuit: 'closed', paused_until: null }],
      ready: 2,
      sending: 0,
      waiting: [{ reason: 'held', messages: 1 }],
      last_day: { hard_bounce: 0, complaint: 1, unsubscribe: 0 },
    })
    const row = dataOf(await admin('GET', '/backlog')).find((one) => one.tenant === tenant.id)
    expect(row).toMatchObject({ name: 'Acme', ready: 2, waiting: 0, held: 1, sending: 0 })
    expect((await admin('GET', '/overview')).json).toMatchObject({
      tenants: { by_plan: { standard: expect.any(Number) } },
      today: { live: expect.any(Number) },
      backlog: { held: 1 },
      pool: { paused: 1, warned: 0 },
    })
  })
})

describe('jobs over messages', () => {
  it('the operator counts and starts a job over the messages of one tenant or of all', async () => {
    const { tenant, live_key } = await create()
    const tag = 'bulk-of-operator'
    await api.call('POST', '/v1/send', { key: live_key, body: { ...message, tags: [tag] } })
    await api.call('POST', '/v1/send', { body: { ...message, tags: [tag] } })
    const request = { filter: { tag }, action: 'hold', dry_run: true }
    const one = await admin('POST', '/messages/bulk', { ...request, tenant: tenant.id })
    expect(one).toMatchObject({ status: 200, json: { matched: 1, applicable: 1, is_complete: true } })
    const all = await admin('POST', '/messages/bulk', { ...request, tenant: 'all' })
    expect(all).toMatchObject({ status: 200, json: { matched: 2 } })
    const job = await admin('POST', '/messages/bulk', { ...request, tenant: 'all', dry_run: false })
    expect(job).toMatchObject({ status: 202, json: { tenant: null, state: 'waiting' } })
    expect((await admin('GET', `/messages/bulk/jobs/${job.json.id}`)).json).toEqual(job.json)
    expect((await api.call('GET', `/v1/messages/bulk/jobs/${job.json.id}`)).status).toBe(404)
    const ended = await admin('POST', `/messages/bulk/jobs/${job.json.id}/cancel`)
    expect(ended.json).toMatchObject({ state: 'cancelled', done: 0 })
    expect(
      await admin('POST', '/messages/bulk', { action: 'hold', tenant: 'all', filter: {} }),
    ).toMatchObject({
      status: 422,
    })
    const missing = {
      ...request,
      dry_run: false,
      tenant: toPublicId('ten', '01900000-0000-7000-8000-000000000000'),
    }
    expect((await admin('POST', '/messages/bulk', missing)).status).toBe(404)
  })

  it('a tenant counts and starts a job over its own messages', async () => {
    const own = await create()
    const call = (method: string, path: string, body?: unknown) =>
      api.call(method, path, { key: own.live_key, ...(body !== undefined && { body }) })
    const sent = await call('POST', '/v1/send', message)
    const request = { filter: { to: 'user@example.net' }, action: 'cancel' }
    const preview = await call('POST', '/v1/messages/bulk', { ...request, dry_run: true })
    expect(preview.json).toMatchObject({ matched: 1, applicable: 1, examples: [sent.json.id] })
    const job = await call('POST', '/v1/messages/bulk', request)
    expect(job).toMatchObject({ status: 202, json: { tenant: own.tenant.id, action: 'cancel' } })
    expect((await call('GET', `/v1/messages/bulk/jobs/${job.json.id}`)).json).toEqual(job.json)
    expect((await api.call('GET', `/v1/messages/bulk/jobs/${job.json.id}`)).status).toBe(404)
    expect((await call('POST', `/v1/messages/bulk/jobs/${job.json.id}/cancel`)).json.state).toBe('cancelled')
  })
})

it('the role of the operator reads no content, no recipients, no hashes and no credentials', async () => {
  for (const what of [
    'document from message_content',
    'address from recipient',
    'hash from api_key',
    'sealed_credentials from connection',
    'wrapped from data_key',
    'sealed_secrets from endpoint',
    'address from suppression',
  ]) {
    const client = await api.db.pool.connect()
    await client.query('begin; set local role lettergate_operator')
    await expect(client.query(`select ${what}`)).rejects.toMatchObject({ code: '42501' })
    await client.query('rollback')
    client.release()
  }
})
