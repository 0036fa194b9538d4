import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { useDomainBed } from '../../test/domain-bed.ts'
import { buildTenant } from '../../test/rows.ts'
import type { CheckOutcome } from './check-domain.ts'
import { addDomain } from './manage.ts'
import { createDomainChecks } from './recheck.ts'
import { CHECK_LEASE_MS } from './sql/claim-due.ts'

const { bed } = useDomainBed()
const WORKER = fileURLToPath(new URL('../../test/domain-worker.ts', import.meta.url))

async function addDue(count: number) {
  const { db, deps, publish } = bed()
  const tenantId = await buildTenant(db.pool)
  for (let n = 0; n < count; n++) publish(await addDomain(deps, tenantId, `n${n}.${tenantId}.example`))
  await makeDue(tenantId)
  return tenantId
}

async function makeDue(tenantId: string) {
  const text = `update domain set next_check_at = now() - interval '1 second' where tenant_id = $1`
  await bed().db.pool.query({ text, values: [tenantId] })
}

async function states(tenantId: string) {
  const { rows } = await bed().db.pool.query<{ state: string; n: number }>({
    text: 'select state, count(*)::int4 as n from domain where tenant_id = $1 group by state order by state',
    values: [tenantId],
  })
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
}

function startWorkers(count: number) {
  const outcomes: (CheckOutcome | 'broken')[] = []
  const errors: unknown[] = []
  const workers = Array.from({ length: count }, () => {
    const worker = createDomainChecks({
      ...bed().deps,
      now: Date.now,
      onChecked: (outcome) => outcomes.push(outcome),
      onWaited: () => {},
      onError: (error) => errors.push(error),
    })
    worker.start()
    return worker
  })
  return { outcomes, errors, stop: () => Promise.all(workers.map((worker) => worker.stop())) }
}

test('two workers check each domain that is due once', async () => {
  const tenantId = await addDue(12)
  const running = startWorkers(2)
  await eventually(async () => ((await states(tenantId)).verified === 12 ? true : undefined))
  await running.stop()
  expect(running.errors).toEqual([])
  expect(running.outcomes).toEqual(Array(12).fill('verified'))
  expect(await bed().events(tenantId)).toEqual(Array(12).fill('domain.verified'))
}, 60_000)

test('a worker that is killed before it records its checks loses nothing and reports nothing twice', async () => {
  const tenantId = await addDue(5)
  const { db, server } = bed()
  const arguments_ = [...process.execArgv, WORKER, db.url, 'after_domain_look_up:kill9:1/1', server.address]
  const child = spawn(process.execPath, arguments_, { stdio: 'ignore' })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  expect(await states(tenantId)).toEqual({ not_started: 5 })
  const { rows } = await db.pool.query<{ leased: boolean }>({
    text: `select bool_and(next_check_at > now() + $2 * interval '1 ms') as leased from domain where tenant_id = $1`,
    values: [tenantId, CHECK_LEASE_MS / 2],
  })
  expect(rows).toEqual([{ leased: true }])
  // The end of the lease.
  await makeDue(tenantId)
  const running = startWorkers(1)
  await eventually(async () => ((await states(tenantId)).verified === 5 ? true : undefined))
  await running.stop()
  expect(await bed().events(tenantId)).toEqual(Array(5).fill('domain.verified'))
}, 60_000)

test('a check that fails is repeated after its lease, and the others go on', async () => {
  const [broken, good] = [await addDue(1), await addDue(1)]
  await bed().db.pool.query({
    text: `alter table domain add constraint refuse check (tenant_id <> '${broken}' or state <> 'verified')`,
  })
  const running = startWorkers(1)
  await eventually(async () => ((await states(good)).verified === 1 ? true : undefined))
  await eventually(async () => (running.outcomes.includes('broken') ? true : undefined))
  await bed().db.pool.query({ text: 'alter table domain drop constraint refuse' })
  await makeDue(broken)
  await eventually(async () => ((await states(broken)).verified === 1 ? true : undefined))
  await running.stop()
}, 60_000)
