import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createCapture } from '@lettergate/providers/capture/index'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accepted, buildFleet } from '../../test/fleet.ts'
import { createEgressPolicies } from '../egress/index.ts'
import { releaseWaiting } from './sql/release-waiting.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const setPlan = (tenantId: string, plan: string) =>
  db.pool.query({ text: 'update tenant set plan = $2 where id = $1', values: [tenantId, plan] })

test('mail whose connection is outside the plan waits with the reason and is sent within seconds of another plan, although sessions stay open', async () => {
  const errors: unknown[] = []
  const policies = createEgressPolicies({ pool: db.batch, onError: (error) => errors.push(error) })
  const provider = {
    ...createCapture(),
    // An adapter that opens no socket for a call: its session is open already.
    targets: () => [{ host: 'mail.example.com', port: 587, scheme: 'smtp' as const }],
    send: async () => accepted,
  }
  const fleet = await buildFleet(
    db,
    [
      {
        answer: () => accepted,
        through: { provider, connection: { id: 'c', credentials: {}, settings: {} } },
      },
    ],
    { policyOf: async (tenantId, atLeast) => (await policies.of(tenantId, atLeast)).policy },
  )
  const { tenantId } = fleet
  const statuses = async () => Object.keys(await fleet.statuses()).sort()

  await fleet.accept(['one@example.net'])
  await fleet.run(async () => (await statuses()).includes('sent'))
  expect(fleet.sent).toHaveLength(1)

  await setPlan(tenantId, 'free')
  await fleet.accept(['two@example.net'])
  await fleet.run(async () => (await statuses()).includes('deferred'))
  expect(fleet.sent).toHaveLength(1)
  expect((await fleet.attempts()).at(-1)).toMatchObject({
    outcome: 'rejected',
    code: 'provider-egress-refused',
  })
  expect((await fleet.health(0))?.state ?? 'closed').toBe('closed')

  await setPlan(tenantId, 'standard')
  const { count } = await releaseWaiting(db.batch, '00000000-0000-0000-0000-000000000000', {
    tenants: 10,
    limit: 10,
  })
  expect(count).toBe(1)
  await fleet.run(async () => (await fleet.statuses()).sent === 2)
  expect(fleet.sent.map(({ to }) => to)).toEqual([['one@example.net'], ['two@example.net']])
  await fleet.stop()
  expect([...errors, ...fleet.errors]).toEqual([])
})
