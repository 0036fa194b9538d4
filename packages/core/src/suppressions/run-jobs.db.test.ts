import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createPool } from '@lettergate/db/pool'
import { createTenantPrisma } from '@lettergate/db/prisma'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { beforeAll, expect, test } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import { noFailpoint } from '../lib/index.ts'
import { type JobRow, readJob, startExport, startImport } from './jobs.ts'
import { createSuppressionJobs } from './run-jobs.ts'
import { expireSuppressions } from './sql/expire-suppressions.ts'

const WORKER = fileURLToPath(new URL('../../test/suppression-worker.ts', import.meta.url))
/** Ends a worker inside every third chunk or so, after its writes and before its commit; the draws are the same each time. */
const KILL = 'inside_suppression_chunk:kill9:1/3;seed=5'

let db: TestDatabase
let deps: Parameters<typeof startImport>[0]
beforeAll(async () => {
  db = await createTestDatabase()
  const tenants = createTenants({ url: db.url, max: 2, applicationName: 'test', onError: () => {} })
  deps = { tenants, prisma: createTenantPrisma(tenants) }
  return async () => {
    await tenants.close()
    await db.drop()
  }
})

const defaults = { stream: '*', reason: 'import' } as const
const fileOf = (count: number, name = 'u') =>
  Buffer.from(Array.from({ length: count }, (_, index) => `${name}${index}@example.net\n`).join(''))

async function buildImport(
  count: number,
): Promise<{ owner: { tenantId: string; mode: 'live' }; id: string }> {
  const owner = { tenantId: await buildTenant(db.pool), mode: 'live' as const }
  return { owner, id: (await startImport(deps, owner, fileOf(count), defaults)).id }
}

/** Runs jobs in this process until these have ended. */
async function finish(jobs: { owner: { tenantId: string; mode: 'live' }; id: string }[]): Promise<JobRow[]> {
  const pool = createPool({
    url: db.url,
    max: 2,
    applicationName: 'jobs',
    role: 'lettergate_batch',
    onError: () => {},
  })
  const running = createSuppressionJobs({ pool, failpoint: noFailpoint, onError: () => {} })
  running.start()
  const read = () => Promise.all(jobs.map(({ owner, id }) => readJob(deps, owner, id)))
  let rows = await read()
  while (rows.some(({ finished_at }) => finished_at === null)) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    rows = await read()
  }
  await running.stop()
  await pool.end()
  return rows
}

async function count(table: string, tenantId: string): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({
    text: `select count(*)::int4 as n from ${table} where tenant_id = $1`,
    values: [tenantId],
  })
  return rows[0]?.n ?? 0
}

test('a worker that is killed inside a chunk, again and again, loses no line and counts none twice', async () => {
  const job = await buildImport(12_345)
  const ends = Array.from(
    { length: 3 },
    () => spawnSync(process.execPath, [...process.execArgv, WORKER, db.url, KILL]).signal,
  )
  expect(ends).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL'])
  const before = await readJob(deps, job.owner, job.id)
  expect(before.state).toBe('running')
  expect(before.done).toBeGreaterThan(0)
  expect(before.done).toBe(await count('suppression', job.owner.tenantId))
  const [after] = await finish([job])
  expect(after).toMatchObject({ state: 'done', total: 12_345, done: 12_345, added: 12_345, rejected: 0 })
  expect(await count('suppression', job.owner.tenantId)).toBe(12_345)
  expect(await count('suppression_chunk', job.owner.tenantId)).toBe(0)
}, 60_000)

test('a small job does not wait for the end of a large one of another tenant', async () => {
  const large = await buildImport(30_000)
  const small = await buildImport(10)
  const [done, late] = await finish([small, large])
  expect(done?.state).toBe('done')
  expect(Number(done?.finished_at)).toBeLessThan(Number(late?.finished_at))
}, 60_000)

test('two workers at once do each chunk once', async () => {
  const jobs = await Promise.all([buildImport(5_000), buildImport(5_000), buildImport(5_000)])
  const [rows] = await Promise.all([finish(jobs), finish(jobs)])
  for (const [index, { owner }] of jobs.entries()) {
    expect(rows[index]).toMatchObject({ done: 5_000, added: 5_000 })
    expect(await count('suppression', owner.tenantId)).toBe(5_000)
  }
}, 60_000)

test('a job whose chunk cannot be read is given up after some tries, and the others go on', async () => {
  const [broken, good] = [await buildImport(2_000), await buildImport(2_000)]
  await db.pool.query({
    text: `update suppression_job set options = '{}', failures = 6 where tenant_id = $1`,
    values: [broken.owner.tenantId],
  })
  const [failed, done] = await finish([broken, good])
  expect(failed).toMatchObject({
    state: 'failed',
    done: 0,
    reason: expect.stringContaining('error of the gateway'),
  })
  expect(done).toMatchObject({ state: 'done', added: 2_000 })
}, 60_000)

test('a tenant has five jobs that are not finished at most', async () => {
  const owner = { tenantId: await buildTenant(db.pool), mode: 'live' as const }
  const ids: string[] = []
  for (let n = 0; n < 5; n += 1) ids.push((await startExport(deps, owner, {})).id)
  await expect(startExport(deps, owner, {})).rejects.toMatchObject({ code: 'wrong-state' })
  await expect(startImport(deps, owner, fileOf(1), defaults)).rejects.toMatchObject({ code: 'wrong-state' })
  await finish(ids.map((id) => ({ owner, id })))
  expect((await startExport(deps, owner, {})).state).toBe('waiting')
})

test('entries that ended and jobs of a week ago are forgotten, with their files; the others stay', async () => {
  const { owner, id } = await buildImport(3)
  await finish([{ owner, id }])
  const old = { owner, id: (await startExport(deps, owner, {})).id }
  await finish([old])
  await db.pool.query({
    text: `update suppression_job set finished_at = now() - interval '8 days' where id = $1`,
    values: [old.id],
  })
  await db.pool.query({
    text: `update suppression set expires_at = now() - interval '1 second' where tenant_id = $1 and address = 'u1@example.net'`,
    values: [owner.tenantId],
  })
  while ((await expireSuppressions(db.pool, 100)) > 0);
  expect(await count('suppression', owner.tenantId)).toBe(2)
  expect(await count('suppression_chunk', owner.tenantId)).toBe(0)
  await expect(readJob(deps, owner, old.id)).rejects.toMatchObject({ code: 'not-found' })
  expect((await readJob(deps, owner, id)).state).toBe('done')
})
