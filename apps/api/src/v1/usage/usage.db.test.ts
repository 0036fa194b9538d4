import { readFileSync } from 'node:fs'
import { limitFields } from '@lettergate/contracts/admin/limits'
import { readUsageDays } from '@lettergate/core/usage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi, type TestTenant } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
const send = (tenant: TestTenant, change = {}) =>
  api.call('POST', '/v1/send', { key: tenant.liveKey, body: { ...message, ...change } })
const Shown = z.object({
  limits: z.record(z.string(), z.unknown()),
  from_tomorrow: z.record(z.string(), z.unknown()).nullable(),
})
const get = (tenant: TestTenant, path: string, key = tenant.liveKey) => api.call('GET', path, { key })
const setLimits = (tenant: TestTenant, limits: object) =>
  api.db.pool.query({
    text: 'update tenant set own_limits = $2 where id = $1',
    values: [tenant.tenantId, JSON.stringify(limits)],
  })

test('usage tells what was counted, what is left and when it begins anew, for the mode of the key', async () => {
  const tenant = await api.addTenant({ dailyLimit: 10 })
  expect((await get(tenant, '/v1/usage')).json).toMatchObject({
    daily: { used: 0, limit: 10, left: 10 },
    days: [],
  })
  await send(tenant, { to: ['a@example.net', 'b@example.net'] })
  const { status, json } = await get(tenant, '/v1/usage?days=30')
  const day = new Date().toISOString().slice(0, 10)
  expect({ status, json }).toMatchObject({
    status: 200,
    json: {
      mode: 'live',
      day,
      daily: { used: 2, limit: 10, left: 8, resets_at: expect.stringMatching(/T00:00:00.000Z$/) },
      monthly: { used: 2, limit: null, left: null },
      pool: { used: 0, limit: 1000, left: 1000 },
      own: 2,
      connections: [],
      days: [{ day, accepted: 2, pool: 0, own: 2, limit: 10 }],
    },
  })
  expect((await get(tenant, '/v1/usage', tenant.testKey)).json).toMatchObject({
    mode: 'test',
    daily: { used: 0 },
  })
  expect((await get(tenant, '/v1/usage?days=398')).status).toBe(422)
})

test('each counter refuses by its own name, and the answer says when it begins anew', async () => {
  const tenant = await api.addTenant({ dailyLimit: 10 })
  await setLimits(tenant, { accepted_per_day: 10, accepted_per_month: 1, bytes_per_day: 5_000 })
  expect((await send(tenant)).status).toBe(202)
  expect(await send(tenant)).toMatchObject({
    status: 429,
    json: { code: 'quota-exceeded', detail: expect.stringContaining('0 of 1 are left this month (UTC)') },
  })
  await setLimits(tenant, { accepted_per_day: 10, bytes_per_day: 5_000 })
  expect(await send(tenant, { text: 'x'.repeat(6_000) })).toMatchObject({
    status: 429,
    json: { code: 'quota-exceeded', detail: expect.stringContaining('bytes of content') },
  })
})

test('a plan says what it allows, and what is lowered tomorrow', async () => {
  const tenant = await api.addTenant({ dailyLimit: 10 })
  await send(tenant)
  expect((await get(tenant, '/v1/plan')).json).toMatchObject({
    limits: { recipients_per_day: 10, recipients_per_month: null, recipients_per_message: 1000 },
    from_tomorrow: null,
  })
  await setLimits(tenant, { accepted_per_day: 4, pool_per_day: 2_000 })
  expect((await get(tenant, '/v1/plan')).json).toMatchObject({
    limits: { recipients_per_day: 10, pool_recipients_per_day: 2_000 },
    from_tomorrow: { recipients_per_day: 4 },
  })
})

test('every answer to a key of a tenant has its limits, and those of a send are exact', async () => {
  const tenant = await api.addTenant({ dailyLimit: 10 })
  const list = await get(tenant, '/v1/messages')
  expect(list.headers.get('ratelimit-policy')).toBe('"daily";q=10;w=86400, "pool";q=1000;w=86400')
  expect(list.headers.get('ratelimit')).toMatch(/^"daily";r=10;t=\d+, "pool";r=1000;t=\d+$/)
  const sent = await send(tenant)
  expect(sent.headers.get('ratelimit')).toMatch(/^"daily";r=9;/)
  // What this process has just counted is what its next answers say.
  expect((await get(tenant, '/v1/messages')).headers.get('ratelimit')).toMatch(/^"daily";r=9;/)
  expect((await get(tenant, '/v1/messages/msg_x')).headers.get('ratelimit')).toMatch(/^"daily";r=9;/)
  const wrong = await api.call('GET', '/v1/messages', { key: 'lg_live_wrong' })
  expect(wrong.headers.get('ratelimit')).toBeNull()
})

test('what a plan does not allow of one message is refused, and the plan is named', async () => {
  const tenant = await api.addTenant()
  await setLimits(tenant, { recipients_per_message: 2, message_bytes: 2_000 })
  const many = await send(tenant, { to: ['a@example.net', 'b@example.net', 'c@example.net'] })
  expect(many).toMatchObject({
    status: 422,
    json: { detail: expect.stringContaining('plan "standard" allows 2') },
  })
  const large = await send(tenant, { text: 'x'.repeat(3_000) })
  expect(large).toMatchObject({
    status: 413,
    json: { detail: expect.stringContaining('plan "standard" allows 2000') },
  })
})

test('a plan limits the number of routes, and says so', async () => {
  const tenant = await api.addTenant()
  await setLimits(tenant, { resources: { endpoints: 0 } })
  const made = await api.call('POST', '/v1/endpoints', {
    key: tenant.liveKey,
    body: { url: 'https://hooks.example.net/in' },
  })
  expect(made).toMatchObject({
    status: 409,
    json: {
      code: 'limit-reached',
      detail: expect.stringContaining('your plan "standard" allows 0 (limit `endpoints`)'),
    },
  })
})

test('nobody reads what another tenant has used', async () => {
  const [one, other] = [await api.addTenant(), await api.addTenant()]
  await send(one)
  const foreign = { tenantId: one.tenantId, mode: 'live', days: 2 }
  const read = await readUsageDays(api.db.tenants.forTenant(other.tenantId), foreign)
  expect(read).toEqual({ days: [], connections: [] })
})

test.each(Object.keys(limitFields))('a tenant is shown its own limit %s', async (name) => {
  const tenant = await api.addTenant()
  await setLimits(tenant, { [name]: 777 })
  const { limits, from_tomorrow } = Shown.parse((await get(tenant, '/v1/plan')).json)
  expect(Object.values({ ...limits, ...from_tomorrow })).toContain(777)
})

const guide = readFileSync(new URL('../../../../../docs/guides/usage.md', import.meta.url), 'utf8')

/** The names of all fields, and the kinds of their values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shapeOf(field)]))
}

test('every example of the guide to usage is what the gateway answers', async () => {
  const tenant = await api.addTenant({ dailyLimit: 50_000 })
  // Tests have no limit of requests.
  await api.db.pool.query('update plan set requests_per_second = 2000')
  await send(tenant)
  const examples = [...guide.matchAll(/```http\nGET (\S+)\n```\n\n```json\n([\s\S]*?)```/g)]
  expect(examples).toHaveLength(2)
  for (const [, path = '', shown = ''] of examples) {
    const { status, json } = await get(tenant, path)
    expect([path, status, shapeOf(json)]).toEqual([path, 200, shapeOf(JSON.parse(shown))])
  }
})
