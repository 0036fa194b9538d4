import { spawnSync } from 'node:child_process'
import { createSecretKey, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { newId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findEverywhere, findTenantRows } from '../../test/every-column.ts'
import { acceptMail, quoteEverywhere } from '../../test/person.ts'
import { createKeyVerifier } from '../keys/index.ts'
import { noFailpoint } from '../lib/index.ts'
import { createSealer } from '../secrets/index.ts'
import { createTenant } from '../tenants/index.ts'
import { readJobOf, startDataExport, startDeletion } from './jobs.ts'
import { runDataTurn } from './run-jobs.ts'
import type { DataJobRow } from './sql/data-job.ts'

const WORKER = fileURLToPath(new URL('../../test/data-worker.ts', import.meta.url))
const pepper = createSecretKey(randomBytes(32))
const root = createSecretKey(randomBytes(32))
const actor = { kind: 'admin', key_id: newId() }
const waits = { keysMs: 0, lateMs: 0 }

let db: TestDatabase
beforeEach(async () => {
  db = await createTestDatabase()
})
afterEach(() => db.drop())

const deps = () => ({
  pool: db.batch,
  failpoint: noFailpoint,
  waits,
  onError(error: unknown) {
    throw error
  },
})

async function finish({ id }: DataJobRow): Promise<DataJobRow> {
  for (let n = 0; n < 1_000; n += 1) {
    const job = await readJobOf(db.pool, id)
    if (job.finished_at) return job
    await runDataTurn(deps(), id)
  }
  throw new Error('the job does not end')
}

const read = async (text: string, values: unknown[] = []) => (await db.pool.query({ text, values })).rows

/** A tenant with something in every table that has a tenant. */
/** A row of each further table; $1 is the tenant, $2 any id. */
const ROWS_BY_TENANT_AND_ID = [
  `insert into abuse_state (tenant_id, state, by, why) select $1, 'ok', 'rule', $2::text`,
  `insert into domain_mark (mark, tenant_id) values ($2::text, $1)`,
  `insert into inbound_address (token, tenant_id, mode) values ($2::text, $1, 'live')`,
  `insert into inbound_due (id, tenant_id, bytes) values ($2, $1, 1)`,
  `insert into inbound_message (tenant_id, id, mode, kind, raw_id, sender, recipient, remote_address, helo, is_tls, bytes)
   values ($1, $2, 'live', 'route', $2, '', '', '', '', false, 1)`,
  `insert into inbound_raw (tenant_id, id, raw) values ($1, $2, 'x')`,
  `insert into inbound_route (tenant_id, id, mode, position, name, match, actions) values ($1, $2, 'live', 1, 'All', '{}', '[]')`,
  `insert into inbound_seen (tenant_id, recipient, raw_hash) values ($1, $2::text, 'x')`,
  `insert into key_use (key_id, tenant_id, used_at, address) select id, $1, now(), $2::uuid::text from api_key where tenant_id = $1 limit 1`,
  `insert into mailbox (tenant_id, id, mode, name) values ($1, $2, 'live', 'In')`,
  `insert into message_job (id, tenant_id, of_tenant, action, filter) values ($2, $1, $1, 'hold', '{}')`,
  `insert into pool_message (message_id, connection_id, tenant_id) values ($2, $2, $1)`,
  `insert into reputation_hour (tenant_id, hour) select $1, now() where $2::uuid is not null`,
  `insert into usage_connection (tenant_id, day, mode, connection_id, sent, bounced, complained) values ($1, now(), 'live', $2, 1, 0, 0)`,
  `insert into usage_moved (tenant_id, day, message_id) values ($1, now(), $2)`,
  `insert into usage_notice (tenant_id, mode, counter, period, percent) select $1, 'live', 'day', now(), 80 where $2::uuid is not null`,
]

async function buildFullTenant(name: string, mails = 5): Promise<{ tenantId: string; liveKey: string }> {
  const made = await createTenant({ operator: db.operator, pepper }, { name, plan: 'scale' })
  const { tenantId } = made
  const connectionId = newId()
  const sealer = createSealer({ tenants: db.tenants, root })
  const place = { tenantId, table: 'connection' as const, id: connectionId }
  const { sealed, dataKeyVersion } = await sealer.sealJson(place, { password: 'secret' })
  sealer.close()
  const id = await acceptMail(db.pool, tenantId, { to: ['user@example.net'] })
  for (let n = 1; n < mails; n += 1) await acceptMail(db.pool, tenantId, { to: [`user${n}@example.net`] })
  await quoteEverywhere(db.pool, tenantId, id, 'user@example.net')
  const own = [tenantId, connectionId]
  const statements: [string, unknown[]][] = [
    [
      `insert into connection (tenant_id, id, provider, name, settings, sealed_credentials, data_key_version) values ($1, $2, 'smtp', 'Main', '{}', $3, $4)`,
      [...own, sealed, dataKeyVersion],
    ],
    [
      `insert into hook (tenant_id, connection_id, provider, sealed_secrets, data_key_version) values ($1, $2, 'smtp', $3, $4)`,
      [...own, sealed, dataKeyVersion],
    ],
    [
      `insert into endpoint (tenant_id, id, mode, url, sealed_secrets, data_key_version) values ($1, $2, 'live', 'https://a.example', $3, $4)`,
      [...own, sealed, dataKeyVersion],
    ],
    [
      `insert into default_secret (tenant_id, mode, id, sealed_secrets, data_key_version) values ($1, 'live', $2, $3, $4)`,
      [...own, sealed, dataKeyVersion],
    ],
    [`insert into endpoint_state (id, tenant_id, mode, cursor) values ($2, $1, 'live', '')`, own],
    [
      `insert into route (tenant_id, id, position, name, match, strategy, targets, enabled) values ($1, $2, 1, 'All', '{}', 'ordered', '[]', true)`,
      own,
    ],
    [
      `insert into suppression (tenant_id, mode, address, stream, reason, message_id) values ($1, 'live', 'x@example.net', '*', 'manual', $2)`,
      own,
    ],
    [`insert into connection_health (tenant_id, connection_id) values ($1, $2)`, own],
    [`insert into connection_usage (tenant_id, connection_id, day, used) values ($1, $2, now(), 1)`, own],
    [
      `insert into connection_share (tenant_id, connection_id, worker, share, wants, until) values ($1, $2, 'w', 1, 1, now())`,
      own,
    ],
    [
      `insert into delivery (id, tenant_id, mode, target, seq, type, is_bulk, state) values ($2, $1, 'live', $2, 1, 1, false, 'waiting')`,
      own,
    ],
    [
      `insert into provider_event_due (id, received_at, tenant_id) values (nextval('provider_event_seq'), now(), $1::uuid)`,
      [tenantId],
    ],
    [
      `insert into attachment (tenant_id, message_id, position, filename, content_type, disposition, bytes) values ($1, $2, 0, 'a', 'b', 'c', 1)`,
      own,
    ],
    [`insert into erasure_key (tenant_id, key) values ($1, sha256($2::text::bytea))`, own],
    [
      `insert into smtp_credential (tenant_id, id, mode, sealed_secret, data_key_version) values ($1, $2, 'live', $3, $4)`,
      [...own, sealed, dataKeyVersion],
    ],
    [
      `with d as (insert into domain (tenant_id, id, name, token) values ($1, $2, $2::uuid::text || '.example', 'x') returning id)
       insert into domain_key (tenant_id, id, domain_id, algorithm, selector, public_key, data_key_version) select $1, id, id, 'rsa', 's', 'p', $3 from d`,
      [...own, dataKeyVersion],
    ],
    ...ROWS_BY_TENANT_AND_ID.map((text): [string, unknown[]] => [text, own]),
  ]
  for (const [text, values] of statements) await db.pool.query({ text, values })
  return made
}

test('nothing of a deleted tenant is left in any table; others keep all, and the log says who deleted it', async () => {
  const { tenantId } = await buildFullTenant('Zebra Works')
  const other = await buildFullTenant('Other')
  await finish(
    await startDataExport(db.tenants.forTenant(tenantId), tenantId, {
      content: true,
      since: null,
      until: null,
    }),
  )
  const tables = await read(`select distinct parent from tables_of_tenants() order by 1`)
  // The test covers every table that has a tenant: a new one must get a row above.
  expect(Object.keys(await findTenantRows(db.pool, tenantId))).toEqual(tables.map(({ parent }) => parent))
  const before = await findTenantRows(db.pool, other.tenantId)
  const job = await finish(
    await startDeletion({ db: db.batch, own: db.tenants.forTenant(tenantId) }, tenantId, {
      confirm: 'Zebra Works',
      actor,
    }),
  )
  expect(await findTenantRows(db.pool, tenantId)).toEqual({})
  expect(await read('select id from tenant where id = $1', [tenantId])).toEqual([])
  expect(await findEverywhere(db.pool, 'Zebra Works')).toEqual([])
  expect(await findTenantRows(db.pool, other.tenantId)).toEqual(before)
  expect(job).toMatchObject({
    state: 'done',
    subject: tenantId,
    counts: { message: 5, connection: 1, tenant: 1 },
  })
  expect(
    await read('select tenant_id, action, actor from audit_log where target_id = $1', [tenantId]),
  ).toEqual([{ tenant_id: null, action: 'deleted', actor }])
})

test('keys stop and secrets are lost for good before any row goes', async () => {
  const { tenantId, liveKey } = await buildFullTenant('Zebra Works')
  const [row] = await read(
    'select sealed_credentials, data_key_version, id from connection where tenant_id = $1',
    [tenantId],
  )
  const job = await startDeletion({ db: db.batch, own: db.tenants.forTenant(tenantId) }, tenantId, {
    confirm: 'Zebra Works',
    actor,
  })
  await runDataTurn(deps(), job.id)
  expect(await findTenantRows(db.pool, tenantId)).toMatchObject({ message: 5, connection: 1 })
  const keys = createKeyVerifier({ pool: db.batch, pepper })
  expect(await keys.verify(liveKey)).toBeNull()
  keys.close()
  const sealer = createSealer({ tenants: db.tenants, root })
  await expect(
    sealer.unsealJson(
      { tenantId, table: 'connection', id: row.id },
      { sealed: row.sealed_credentials, dataKeyVersion: row.data_key_version },
    ),
  ).rejects.toThrow('data key')
  sealer.close()
})

test('a wrong name deletes nothing, and an unknown tenant is not found', async () => {
  const { tenantId } = await buildFullTenant('Zebra Works')
  const start = (id: string, confirm: string) =>
    startDeletion({ db: db.batch, own: db.tenants.forTenant(id) }, id, { confirm, actor })
  await expect(start(tenantId, 'zebra works')).rejects.toMatchObject({ code: 'validation-failed' })
  await expect(start(newId(), 'Zebra Works')).rejects.toMatchObject({ code: 'not-found' })
  expect(await read('select id from data_job')).toEqual([])
})

test('a tenant may not ask for its own deletion, even by SQL with its rights', async () => {
  const { tenantId } = await buildFullTenant('Zebra Works')
  await expect(
    db.tenants.forTenant(tenantId).query({
      text: `insert into data_job (id, tenant_id, kind, subject) values ($1, $2, 'deletion', $2)`,
      values: [newId(), tenantId],
    }),
  ).rejects.toThrow('row-level security')
})

test('rows that a worker still writes while the tenant is deleted go too', async () => {
  const { tenantId } = await buildFullTenant('Zebra Works')
  const job = await startDeletion({ db: db.batch, own: db.tenants.forTenant(tenantId) }, tenantId, {
    confirm: 'Zebra Works',
    actor,
  })
  const late = () =>
    db.pool.query({
      text: `insert into event (tenant_id, message_id, type) values ($1, $2, 'recipient.sent')`,
      values: [tenantId, newId()],
    })
  for (;;) {
    const [{ place }] = await read('select place from data_job where id = $1', [job.id])
    if (place.stage === 'late') break
    await runDataTurn(deps(), job.id)
  }
  await late()
  await finish(job)
  expect(await findTenantRows(db.pool, tenantId)).toEqual({})
})

test('a worker that is killed inside a turn, again and again, leaves a deletion that the next one ends', async () => {
  const { tenantId } = await buildFullTenant('Zebra Works')
  const other = await buildFullTenant('Other')
  const before = await findTenantRows(db.pool, other.tenantId)
  const job = await startDeletion({ db: db.batch, own: db.tenants.forTenant(tenantId) }, tenantId, {
    confirm: 'Zebra Works',
    actor,
  })
  const run = () =>
    spawnSync(process.execPath, [...process.execArgv, WORKER, db.url, 'inside_data_turn:kill9:1/4;seed=5'])
      .signal
  expect([run(), run()]).toEqual(['SIGKILL', 'SIGKILL'])
  await finish(job)
  expect(await findTenantRows(db.pool, tenantId)).toEqual({})
  expect(await findTenantRows(db.pool, other.tenantId)).toEqual(before)
}, 60_000)
