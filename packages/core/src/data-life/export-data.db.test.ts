import { spawnSync } from 'node:child_process'
import { createSecretKey, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acceptMail, quoteEverywhere } from '../../test/person.ts'
import { buildTenant } from '../../test/rows.ts'
import { issueKey } from '../keys/index.ts'
import { noFailpoint, POOL_TENANT_ID } from '../lib/index.ts'
import { createSealer } from '../secrets/index.ts'
import { toLine } from './export-data.ts'
import { type ExportWish, readExportFile, readJobOf, startDataExport } from './jobs.ts'
import { runDataTurn } from './run-jobs.ts'
import { expireDataJobs } from './sql/data-job.ts'

const WORKER = fileURLToPath(new URL('../../test/data-worker.ts', import.meta.url))
const ALL: ExportWish = { content: false, since: null, until: null }

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

async function readFile(tenantId: string, id: string): Promise<string> {
  let text = ''
  for await (const piece of await readExportFile(db.tenants.forTenant(tenantId), id)) text += piece.toString()
  return text
}

async function runAll(id: string): Promise<void> {
  const deps = {
    pool: db.batch,
    failpoint: noFailpoint,
    onError(error: unknown) {
      throw error
    },
  }
  while (await runDataTurn(deps, id));
}

async function exportOf(tenantId: string, wish = ALL): Promise<string> {
  const { id } = await startDataExport(db.tenants.forTenant(tenantId), tenantId, wish)
  await runAll(id)
  return await readFile(tenantId, id)
}

const parse = (text: string): { table: string; row: Record<string, unknown> }[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('an export has the settings, messages, recipients, attempts and events of a tenant, with ids as the API writes them', async () => {
  const tenantId = await buildTenant(db.pool)
  const other = await buildTenant(db.pool)
  const id = await acceptMail(db.pool, tenantId, { to: ['user@example.net'], text: 'The body' })
  await acceptMail(db.pool, other, { to: ['foreign@example.net'] })
  await quoteEverywhere(db.pool, tenantId, id, 'user@example.net')
  const text = await exportOf(tenantId)
  const rows = parse(text)
  expect(rows[0]).toMatchObject({ table: 'tenant', row: { id: toPublicId('ten', tenantId), name: 'Test' } })
  expect(rows.find(({ table }) => table === 'message')?.row).toMatchObject({
    id: toPublicId('msg', id),
    subject: 'Hello',
  })
  expect(rows.find(({ table }) => table === 'recipient')?.row).toMatchObject({
    message_id: toPublicId('msg', id),
    address: 'user@example.net',
  })
  expect(new Set(rows.map(({ table }) => table))).toEqual(
    new Set([
      'tenant',
      'message',
      'recipient',
      'attempt',
      'event',
      'account_event',
      'audit_log',
      'connection_event',
      'delivery_try',
      'usage',
    ]),
  )
  expect(text).not.toContain('foreign@example.net')
  expect(text).not.toContain('The body')
  expect(await exportOf(tenantId, { ...ALL, content: true })).toContain('The body')
})

test('an export has no secret, hash of a key or key of secrets', async () => {
  const tenantId = await buildTenant(db.pool)
  const pepper = createSecretKey(randomBytes(32))
  await db.operator.forOperator((own) => issueKey({ db: own, pepper }, { mode: 'live', tenantId }))
  const sealer = createSealer({ tenants: db.tenants, root: createSecretKey(randomBytes(32)) })
  const { sealed, dataKeyVersion } = await sealer.sealJson(
    { tenantId, table: 'connection', id: tenantId },
    { password: 'x' },
  )
  sealer.close()
  await db.pool.query({
    text: `insert into connection (tenant_id, id, provider, name, settings, sealed_credentials, data_key_version) values ($1, $1, 'smtp', 'Main', '{}', $2, $3)`,
    values: [tenantId, sealed, dataKeyVersion],
  })
  const rows = parse(await exportOf(tenantId, { ...ALL, content: true }))
  expect(Object.keys(rows.find(({ table }) => table === 'api_key')?.row ?? {})).not.toContain('hash')
  expect(Object.keys(rows.find(({ table }) => table === 'connection')?.row ?? {})).not.toContain(
    'sealed_credentials',
  )
  const { rows: secrets } = await db.pool.query<{ hex: string }>({
    text: `select encode(wrapped, 'hex') as hex from data_key where tenant_id = $1 union all select encode(hash, 'hex') from api_key where tenant_id = $1`,
    values: [tenantId],
  })
  for (const { hex } of secrets) {
    expect(JSON.stringify(rows)).not.toContain(hex)
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(hex, 'hex').toString('base64'))
  }
})

test('a killed worker leaves no gap and no line twice, and a repeated download has the same bytes', async () => {
  const tenantId = await buildTenant(db.pool)
  const id = await acceptMail(db.pool, tenantId, { to: ['user@example.net'] })
  await db.pool.query({
    text: `insert into event (tenant_id, message_id, type, data) select $1, $2, 'e' || i, json_build_object('x', repeat('x', 1000)) from generate_series(1, 5000) i`,
    values: [tenantId, id],
  })
  const job = await startDataExport(db.tenants.forTenant(tenantId), tenantId, ALL)
  const run = () =>
    spawnSync(process.execPath, [...process.execArgv, WORKER, db.url, 'inside_data_turn:kill9:1/4;seed=3'])
      .signal
  expect([run(), run()]).toEqual(['SIGKILL', 'SIGKILL'])
  expect(await readJobOf(db.pool, job.id)).toMatchObject({ state: 'running' })
  await runAll(job.id)
  const [first, second] = [await readFile(tenantId, job.id), await readFile(tenantId, job.id)]
  expect(second).toBe(first)
  const types = parse(first).flatMap(({ table, row }) => (table === 'event' ? [row.type] : []))
  expect(types).toEqual(Array.from({ length: 5_000 }, (_, i) => `e${i + 1}`))
}, 60_000)

test('a window of days leaves out what is outside of it, and keeps the settings', async () => {
  const tenantId = await buildTenant(db.pool)
  await acceptMail(db.pool, tenantId, { to: ['user@example.net'] })
  const tables = async (since: string, until: string) =>
    parse(await exportOf(tenantId, { content: false, since, until })).map(({ table }) => table)
  const today = new Date().toISOString().slice(0, 10)
  expect(await tables('2020-01-01', '2020-01-02')).not.toContain('message')
  expect(await tables(today, today)).toContain('message')
})

test('two exports of a tenant run at a time at most; a file ends after a week', async () => {
  const tenantId = await buildTenant(db.pool)
  const jobs = [
    await startDataExport(db.tenants.forTenant(tenantId), tenantId, ALL),
    await startDataExport(db.tenants.forTenant(tenantId), tenantId, ALL),
  ]
  await expect(startDataExport(db.tenants.forTenant(tenantId), tenantId, ALL)).rejects.toMatchObject({
    code: 'wrong-state',
  })
  await expect(readFile(tenantId, jobs[0]?.id ?? '')).rejects.toMatchObject({ code: 'wrong-state' })
  for (const { id } of jobs) await runAll(id)
  await db.pool.query({
    text: `update data_job set finished_at = now() - interval '7 days 1 minute' where id = $1`,
    values: [jobs[0]?.id],
  })
  expect(await expireDataJobs(db.batch, 100)).toBe(1)
  await expect(readFile(tenantId, jobs[0]?.id ?? '')).rejects.toMatchObject({ code: 'not-found' })
  expect(await readFile(tenantId, jobs[1]?.id ?? '')).not.toBe('')
})

test('an export names the shared pool as a whole, never one of its connections', () => {
  const id = '0190a000-0000-7000-8000-000000000001'
  const line = (choice: object) => JSON.stringify({ connection_id: id, choice })
  expect(toLine('attempt', line({ rule: 'priority', pool: true }))).toContain('"connection_id":"pool"')
  expect(toLine('attempt', line({ rule: 'priority' }))).toContain(
    `"connection_id":"${toPublicId('con', id)}"`,
  )
  const ofUsage = JSON.stringify({ connection_id: POOL_TENANT_ID, sent: 1 })
  expect(toLine('usage_connection', ofUsage)).toContain('"connection_id":"pool"')
})
