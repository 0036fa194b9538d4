import { createSecretKey, randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createEgress, type Egress } from '@lettergate/egress/egress'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backlog, buildBacklog } from '../../test/backlog.ts'
import { noSecrets } from '../../test/build-message.ts'
import { noFailpoint } from '../lib/index.ts'
import { createMessageReader, explainMessage } from '../messages/index.ts'
import { createRouter } from '../routing/index.ts'
import { createSealer } from '../secrets/index.ts'
import { sweepSteps } from '../sweep/index.ts'
import { resumeTenant, suspendTenant } from '../tenants/index.ts'
import { createDeliverer, type Deliverer } from './deliver.ts'
import { createRecorder } from './record.ts'

let db: TestDatabase
let egress: Egress
let deliverer: Deliverer
beforeAll(async () => {
  db = await createTestDatabase()
  egress = createEgress({ allow: [] })
  const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
  const sealer = createSealer({ tenants: db.tenants, root: createSecretKey(randomBytes(32)) })
  deliverer = createDeliverer({
    pool: db.batch,
    tenants: db.tenants,
    // With the rights, the cache and the queries of a worker.
    router: createRouter({
      tenants: db.tenants,
      sealer,
      providers: createProviders(),
      fallback: 'capture',
      onError,
    }),
    recorder: createRecorder({ pool: db.batch, onError }),
    egress,
    secrets: noSecrets,
    slots: 20,
    failpoint: noFailpoint,
    onAttempt: () => {},
    onError,
  })
})
afterAll(async () => {
  await egress.close()
  await db.drop()
})

const suspend = ({ tenantId }: Backlog) =>
  db.operator.forOperator((tables) => suspendTenant(tables, tenantId, 'spam'))
const resume = ({ tenantId }: Backlog) => db.operator.forOperator((tables) => resumeTenant(tables, tenantId))
const release = () => sweepSteps.releaseWaiting({ pool: db.batch, repeatWindowMs: () => 0 })

async function deliver(backlog: Backlog): Promise<void> {
  const claim = await backlog.claim()
  if (!claim) throw new Error('nothing was claimed')
  await deliverer.deliver(claim)
}

async function eventsOf({ messageId }: Backlog): Promise<string[]> {
  const { rows } = await db.pool.query<{ type: string }>({
    text: 'select type from event where message_id = $1 order by seq',
    values: [messageId],
  })
  return rows.map(({ type }) => type)
}

test('mail of a suspended tenant is held with the reason, stays counted, and is sent after the resumption', async () => {
  const own = await buildBacklog(db.pool, { recipients: 2 })
  await suspend(own)
  await deliver(own)
  expect(await own.statuses()).toEqual(['held', 'held'])
  expect(await own.used()).toBe(2)
  const deps = { tenants: db.tenants, messages: createMessageReader({ pool: db.pool }) }
  const { reasons } = await explainMessage(deps, { tenantId: own.tenantId, mode: 'live' }, own.messageId)
  expect(reasons[0]).toMatchObject({
    code: 'tenant-suspended',
    detail:
      'The message is held: the operator has suspended this tenant: spam. It is sent when the tenant is resumed.',
  })
  // A change of the tenant's connections wakes it, and it is held again, without a second event.
  await db.pool.query({
    text: 'update tenant set connections_version = connections_version + 1 where id = $1',
    values: [own.tenantId],
  })
  await release()
  await deliver(own)
  expect(await eventsOf(own)).toEqual(['recipient.held', 'recipient.held'])
  // Others are sent.
  const other = await buildBacklog(db.pool)
  await deliver(other)
  expect(await other.statuses()).toEqual(['sent'])
  await resume(own)
  await release()
  await deliver(own)
  expect(await own.statuses()).toEqual(['sent', 'sent'])
})

test('a suspension of many days ends no message, and afterwards its whole retry limit is left', async () => {
  const backlog = await buildBacklog(db.pool)
  await suspend(backlog)
  await db.pool.query({
    text: `update outbox set first_due_at = now() - interval '30 days' where message_id = $1`,
    values: [backlog.messageId],
  })
  await deliver(backlog)
  expect(await backlog.statuses()).toEqual(['held'])
  await resume(backlog)
  await release()
  const { rows } = await db.pool.query<{ hours: number }>({
    text: `select round(extract(epoch from greatest(o.first_due_at, t.resumed_at) + t.retry_hours * interval '1 hour' - now()) / 3600)::int as hours
           from outbox o join tenant t on t.id = o.tenant_id where o.message_id = $1`,
    values: [backlog.messageId],
  })
  expect(rows).toEqual([{ hours: 72 }])
  await deliver(backlog)
  expect(await backlog.statuses()).toEqual(['sent'])
})

test('a suspension between the claim and the attempt holds the message too', async () => {
  const backlog = await buildBacklog(db.pool)
  const claim = await backlog.claim()
  await suspend(backlog)
  if (claim) await deliverer.deliver(claim)
  expect(await backlog.statuses()).toEqual(['held'])
})
