import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import { createEgressPolicies } from './policies.ts'

let db: TestDatabase
let tenantId: string
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(async () => {
  tenantId = await buildTenant(db.pool)
})

const set = (column: 'plan' | 'egress_extra', value: string) =>
  db.pool.query({ text: `update tenant set ${column} = $2 where id = $1`, values: [tenantId, value] })
const version = async () => {
  const text = 'select connections_version as n from tenant where id = $1'
  return (await db.pool.query<{ n: number }>({ text, values: [tenantId] })).rows[0]?.n ?? 0
}

/** On a clock of the test's own. */
function build() {
  const errors: unknown[] = []
  const state = { nowMs: 1_000 }
  const policies = createEgressPolicies({
    pool: db.batch,
    onError: (error) => errors.push(error),
    now: () => state.nowMs,
  })
  const permits = async (host: string) =>
    (await policies.of(tenantId)).policy.judge({ name: host }, { host, port: 443, scheme: 'https' }).kind ===
    'permitted'
  return { errors, state, policies, permits }
}

test('the plan free reaches the APIs of all providers, and nothing else', async () => {
  await set('plan', 'free')
  const { permits } = build()
  expect(await Promise.all(['api.mailgun.net', 'api.eu.sendgrid.com', 'example.com'].map(permits))).toEqual([
    true,
    true,
    false,
  ])
})

test('a change is known after four seconds at the latest, and calls meanwhile do not wait', async () => {
  await set('plan', 'free')
  const { permits, state } = build()
  expect(await permits('app.acme.example')).toBe(false)
  await set('egress_extra', '[{"protocols":["https"],"hosts":["app.acme.example"]}]')
  expect(await permits('app.acme.example')).toBe(false)
  state.nowMs += 4_001
  expect(await permits('app.acme.example')).toBe(true)
})

test('rules that cannot be read permit nothing, and say so', async () => {
  await set('plan', 'free')
  await set('egress_extra', '[{"protocols":["https"],"hosts":["*"]}]')
  const { permits, errors } = build()
  expect(await permits('api.mailgun.net')).toBe(false)
  expect(String(errors[0])).toContain(tenantId)
})

test('a tenant that does not exist reaches nothing', async () => {
  const { policies } = build()
  const { policy } = await policies.of('00000000-0000-7000-8000-000000000000')
  expect(policy.judge({ name: 'api.mailgun.net' }, { host: 'api.mailgun.net', port: 443 }).kind).toBe(
    'refused',
  )
})

test('a change of the plan, of its rules, or of what was added makes waiting messages be looked at again', async () => {
  const before = await version()
  await set('plan', 'free')
  expect(await version()).toBe(before + 1)
  await set('egress_extra', '[{"protocols":["https"],"hosts":["a.example"]}]')
  expect(await version()).toBe(before + 2)
  await db.pool.query({ text: `update plan set egress = egress || '[]' where name = 'free'`, values: [] })
  expect(await version()).toBe(before + 2)
  await db.pool.query({ text: `update plan set egress = null where name = 'free'`, values: [] })
  expect(await version()).toBe(before + 3)
})
