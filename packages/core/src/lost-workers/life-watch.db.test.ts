import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newWorkerId } from '@lettergate/db/worker-sign'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildBacklog } from '../../test/backlog.ts'
import { eventually } from '../../test/build-message.ts'
import { lapseClaim } from '../../test/lapse-claim.ts'
import { sweepSteps } from '../sweep/index.ts'
import { createLifeWatch } from './life-watch.ts'
import { listLiveWorkers } from './sql/list-live-workers.ts'

const WORKER = fileURLToPath(new URL('../../test/worker.ts', import.meta.url))

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

function startWorker(workerId: number): Pool {
  return createPool({
    url: db.url,
    max: 3,
    applicationName: 'worker',
    role: 'lettergate_batch',
    workerId,
    onError: () => {},
  })
}

/** As many sessions of the worker as it may have. */
const connect = (worker: Pool) =>
  Promise.all(Array.from({ length: 3 }, () => worker.query({ text: 'select pg_sleep(0.05)' })))

async function cut(count: number): Promise<void> {
  await db.pool.query({
    text: `select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'worker' and datname = current_database() limit $1`,
    values: [count],
  })
}

/** A watch with a manual clock, two seconds for each check. */
function watchByHand(pool: Pick<Pool, 'query'>) {
  let at = 0
  const lives = createLifeWatch(pool, () => at)
  async function look(count: number): Promise<void> {
    for (let number = 0; number < count; number++) {
      at += 2_000
      await lives.look().catch(() => undefined)
    }
  }
  return Object.assign(
    async (workerId: number, looks: number) => {
      await look(looks)
      return lives.lifeOf([workerId])
    },
    { look, lifeOf: lives.lifeOf },
  )
}

test('a worker counts as alive while one of its sessions is open, and as lost some seconds after the last', async () => {
  const workerId = newWorkerId()
  const worker = startWorker(workerId)
  await connect(worker)
  const lifeAfter = watchByHand(db.pool)
  expect(await lifeAfter(workerId, 1)).toBe('lives')
  await cut(2)
  expect(await lifeAfter(workerId, 5)).toBe('lives')
  await worker.end()
  await eventually(async () => ((await lifeAfter(workerId, 1)) === 'lives' ? undefined : true))
  expect(await lifeAfter(workerId, 0)).toBe('unknown')
  expect(await lifeAfter(workerId, 3)).toBe('gone')
})

test('a worker that reconnects after all its connections were cut never counts as lost', async () => {
  const workerId = newWorkerId()
  const worker = startWorker(workerId)
  await connect(worker)
  const lifeAfter = watchByHand(db.pool)
  expect(await lifeAfter(workerId, 3)).toBe('lives')
  await cut(3)
  await eventually(async () => ((await lifeAfter(workerId, 1)) === 'lives' ? undefined : true))
  expect(await lifeAfter(workerId, 0)).toBe('unknown')
  await connect(worker)
  expect(await lifeAfter(workerId, 1)).toBe('lives')
  await worker.end()
})

test('a worker that died before the first check counts as lost after some seconds of checks', async () => {
  const lifeAfter = watchByHand(db.pool)
  expect(await lifeAfter(newWorkerId(), 0)).toBe('unknown')
  expect(await lifeAfter(newWorkerId(), 1)).toBe('unknown')
  expect(await lifeAfter(newWorkerId(), 3)).toBe('gone')
})

test('failed checks say nothing about a worker: the time starts again with the next check', async () => {
  let fails = false
  const flaky: Pick<Pool, 'query'> = Object.assign(Object.create(db.pool), {
    query: (config: { text: string }) =>
      fails ? Promise.reject(new Error('the database is away')) : db.pool.query(config),
  })
  const lifeAfter = watchByHand(flaky)
  await lifeAfter(1, 2)
  fails = true
  expect(await lifeAfter(1, 1)).toBe('unknown')
  fails = false
  expect(await lifeAfter(1, 1)).toBe('unknown')
  expect(await lifeAfter(1, 3)).toBe('gone')
})

test('a claim of a killed process counts against its message, and a claim of a live process does not', async () => {
  const backlog = await buildBacklog(db.pool)
  const watch = watchByHand(db.pool)
  const sweep = () =>
    sweepSteps.releaseExpiredClaims({ pool: db.pool, repeatWindowMs: () => 0, lifeOf: watch.lifeOf })
  const lost = async () =>
    (await db.pool.query<{ lost_workers: number }>({ text: 'select lost_workers from outbox' })).rows
  const start = async () => {
    const claim = await backlog.claim()
    if (!claim) throw new Error('not claimed')
    const { tenantId, messageId, epoch } = claim
    const worker = fork(WORKER, [db.url, tenantId, messageId, String(epoch)])
    await once(worker, 'message')
    return { claim, worker }
  }
  const first = await start()
  await watch.look(4)
  await lapseClaim(db.pool, first.claim)
  expect(await sweep()).toBe(1)
  expect(await lost()).toEqual([{ lost_workers: 0 }])

  const second = await start()
  await lapseClaim(db.pool, second.claim)
  for (const { worker } of [first, second]) {
    worker.kill('SIGKILL')
    await once(worker, 'exit')
  }
  // Postgres takes a moment to end the sessions of a process that was killed.
  await eventually(async () => ((await listLiveWorkers(db.pool)).length === 0 ? true : undefined))
  await eventually(async () => {
    await watch.look(1)
    return (await sweep()) === 1 ? true : undefined
  })
  expect(await lost()).toEqual([{ lost_workers: 1 }])
}, 60_000)
