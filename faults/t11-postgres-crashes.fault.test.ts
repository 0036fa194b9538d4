import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { writeDuring } from './src/client.ts'
import { promisedIds } from './src/client-ledger.ts'
import { gatewayEnv, migrateDatabase, startPart } from './src/gateway.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { freePort } from './src/ports.ts'
import { createPostgresCluster, type PostgresCluster } from './src/postgres.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const CRASHES = Math.min(5, Math.ceil(faultsCount(300) / 100))
const WRITERS = 16

async function crashRepeatedly(cluster: PostgresCluster, random: Random): Promise<void> {
  for (let crash = 0; crash < CRASHES; crash++) {
    await sleep(300 + random.below(700))
    await cluster.stopImmediately()
    await sleep(random.below(300))
    await cluster.start()
  }
  await sleep(500)
}

test('T11: every message that was answered 202 is stored after a crash of Postgres', async () => {
  const random = announceSeed('T11')
  await using stack = await startStack({ dailyLimit: 1_000_000 })
  const api = stack.api.current().pid
  await writeDuring(stack.client, { width: WRITERS, prefix: 't11' }, () =>
    crashRepeatedly(stack.cluster, random),
  )
  const { verdict } = await settle(stack, 120_000)
  const promised = stack.ledger.requests().filter((request) => promisedIds(request).size === 1).length
  expect(promised).toBe(stack.ledger.requests().length)
  expect(stack.api.current().pid).toBe(api)
  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  reportResult({
    test: 'T11',
    fault: `Postgres stopped immediately ${CRASHES} times under ${WRITERS} writers`,
    n: promised,
    result: `0 lost, 0 repeats, ${verdict.unknown.length} unknown`,
    bound: '0 lost, 0 repeats, the api lives on',
  })
}, 240_000)

test('T11 control: a gateway that answers before the commit is on disk loses accepted messages', async () => {
  const random = announceSeed('T11 control')
  await using stack = await startNaiveStack({ asyncCommit: true, settings: { wal_writer_delay: '10s' } })
  await writeDuring(stack.client, { width: WRITERS, prefix: 't11' }, () =>
    crashRepeatedly(stack.cluster, random),
  )
  const { lost } = summarize(await stack.judge())
  expect(lost).toBeGreaterThan(0)
  reportResult({
    test: 'T11 control',
    fault: 'a gateway that answers before the commit is on disk',
    n: stack.ledger.requests().length,
    result: `${lost} lost in ${CRASHES} crashes`,
    bound: 'lost',
  })
}, 60_000)

/** How a part that is started in production ends on this database, and what it says. */
async function startInProduction(part: 'api' | 'worker', env: Record<string, string>): Promise<string> {
  const started = await startPart(part, { ...env, LETTERGATE_ENV: 'production' })
  const isRunning = started.running()
  await started.stop()
  return isRunning ? 'runs' : started.output()
}

test('T11: in production no message is accepted with a Postgres that may lose commits', async () => {
  announceSeed('T11 settings')
  await using cleanup = new AsyncDisposableStack()
  const cluster = cleanup.adopt(await createPostgresCluster({ fsync: 'off' }), (it) => it.destroy())
  const databaseUrl = await cluster.database('lettergate')
  const dataDir = cleanup.adopt(await mkdtemp(join(tmpdir(), 'lettergate-data-')), (it) =>
    rm(it, { recursive: true }),
  )
  const [apiPort, workerPort] = [await freePort(), await freePort()]
  const env = gatewayEnv({ databaseUrl, apiPort, workerPort, dataDir })
  await migrateDatabase(databaseUrl)
  const parts = ['api', 'worker'] as const
  const refusals = await Promise.all(parts.map((part) => startInProduction(part, env)))
  for (const refusal of refusals) expect(refusal).toMatch(/fsync is off.*To fix it/)
  // The control: on the same cluster, after it is repaired, both run.
  await cluster.stopImmediately()
  await cluster.start({}, { fsync: 'on' })
  const mended = await Promise.all(parts.map((part) => startInProduction(part, env)))
  expect(mended).toEqual(['runs', 'runs'])
  reportResult({
    test: 'T11 settings',
    fault: 'api and worker started in production on a Postgres with fsync off',
    n: 2,
    result: 'both refused, naming the setting and its cure; both ran when it was corrected',
    bound: 'refused',
  })
}, 120_000)
