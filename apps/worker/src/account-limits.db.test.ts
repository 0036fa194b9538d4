import { createSecretKey, randomBytes } from 'node:crypto'
import { createAcceptor } from '@lettergate/core/accept'
import { createConnection } from '@lettergate/core/connections'
import { createWorkerWaker } from '@lettergate/core/dispatch'
import { noFailpoint } from '@lettergate/core/lib'
import { createSealer } from '@lettergate/core/secrets'
import { buildMessage, eventually } from '@lettergate/core/test/build-message'
import { playAccount, quota } from '@lettergate/core/test/fake-account'
import { buildTenant } from '@lettergate/core/test/rows'
import { createPool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createDns } from '@lettergate/egress/dns'
import { createEgress } from '@lettergate/egress/egress'
import { createProviders } from '@lettergate/providers/registry'
import { respond } from '@lettergate/providers/test/http-peer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startWorker } from './worker.ts'

let db: TestDatabase
let account: Awaited<ReturnType<typeof playAccount>>
let tenantId: string
const errors: unknown[] = []
const cleanups: (() => Promise<unknown>)[] = []
const onError = (error: unknown) => void errors.push(error)

beforeEach(async () => {
  db = await createTestDatabase()
  cleanups.push(() => db.drop())
  errors.length = 0
  tenantId = await buildTenant(db.pool)
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** An account at a fake SES, as the tenant stores it, and so many workers with the rights that they have. */
async function start(answer: ReturnType<typeof quota>, count: number) {
  account = await playAccount(answer)
  cleanups.push(account.close)
  const egress = createEgress({ allow: ['127.0.0.1'] })
  cleanups.push(() => egress.close())
  const providers = createProviders()
  const sealer = createSealer({ tenants: db.tenants, root: createSecretKey(randomBytes(32)) })
  await createConnection({ ...db, sealer, egress, providers }, tenantId, {
    provider: 'ses',
    name: 'SES',
    priority: 100,
    settings: { region: 'eu-west-1', base_url: `http://127.0.0.1:${account.port}` },
    credentials: { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI' },
  })
  return Promise.all(
    Array.from({ length: count }, async () => {
      const pool = createPool({
        url: db.url,
        max: 4,
        applicationName: 'worker',
        role: 'lettergate_batch',
        onError,
      })
      cleanups.push(() => pool.end())
      const worker = await startWorker({
        pool,
        tenants: db.tenants,
        databaseUrl: db.url,
        queue: { kind: 'postgres', url: db.url },
        sealer,
        egress,
        dns: createDns({ allow: [] }),
        gateway: { spfInclude: null, returnPathDomain: null, mayShare: false },
        providers,
        feedDays: 30,
        inboundDays: 30,
        inboundDomain: 'in.gateway.example',
        addressKeys: [createSecretKey(randomBytes(32))],
        notices: undefined,
        retention: false,
        onRetentionPreview: () => {},
        fallback: 'hold',
        failpoint: noFailpoint,
        onError,
        onForeign: () => {},
      })
      cleanups.push(() => worker.stop())
      return worker
    }),
  )
}

async function accept(count: number): Promise<void> {
  const wakeWorkers = createWorkerWaker(db.pool, onError)
  const acceptor = createAcceptor({ pool: db.pool, wakeWorkers, failpoint: noFailpoint, onError })
  const messages = Array.from({ length: count }, () => buildMessage())
  expect((await acceptor.accept({ id: tenantId, mode: 'live' }, { messages })).kind).toBe('accepted')
}

async function sees(text: string): Promise<true> {
  return eventually(async () => ((await db.pool.query({ text })).rowCount === 0 ? undefined : true))
}

test('workers keep the daily quota that SES reports, ask SES once for all of them, and continue when SES raises it', async () => {
  const workers = await start(respond(500, '{}'), 2)
  await accept(2)
  await sees('select where not exists (select from outbox) and exists (select from attempt)')
  await sees('select from connection_health where asked_at is not null')
  // The row says so before the question is out.
  await eventually(async () => (account.questions() === 1 && account.state.underWay === 0 ? true : undefined))
  account.state.account = (response, exchange) => quota(500, 12, account.taken())(response, exchange)
  await db.pool.query({ text: `update connection_health set asked_at = now() - interval '6 minutes'` })
  await sees(`select from connection_health where reported_limits ->> 'perDay' = '12'`)
  await accept(30)
  await sees(`select where 20 = (select count(*) from outbox where state = 'waiting' and wait_why = 'day')
              and 20 = (select count(*) from outbox)`)
  expect(account.taken()).toBe(12)

  account.state.account = quota(500, 50_000, 12)
  await db.pool.query({ text: `update connection_health set asked_at = now() - interval '6 minutes'` })
  await sees('select where not exists (select from outbox)')
  expect(account.taken()).toBe(32)
  expect(account.questions()).toBe(3)
  const lines = await Promise.all(workers.map(({ metrics }) => metrics.registry.metrics()))
  const asked = (result: string) =>
    lines
      .flatMap((text) => [...text.matchAll(/lettergate_limits_polled_total\{result="(\w+)"\} (\d+)/g)])
      .filter((line) => line[1] === result)
      .reduce((sum, line) => sum + Number(line[2]), 0)
  expect({ reported: asked('reported'), failed: asked('failed') }).toEqual({ reported: 2, failed: 1 })
  expect(errors).toEqual([])
})

test('a worker stops immediately and completely while SES does not answer', async () => {
  const [worker] = await start(() => {}, 1)
  await accept(1)
  await eventually(async () => (account.state.underWay === 1 ? true : undefined))
  await sees('select where not exists (select from outbox)')
  const startedAt = performance.now()
  await worker?.stop()
  expect(performance.now() - startedAt).toBeLessThan(3_000)
  await eventually(async () => (account.state.underWay === 0 ? true : undefined))
  expect(account.questions()).toBe(1)
  expect(errors).toEqual([])
})
