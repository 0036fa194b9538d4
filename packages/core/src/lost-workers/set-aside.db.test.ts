import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newWorkerId } from '@lettergate/db/worker-sign'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { type Backlog, buildBacklog } from '../../test/backlog.ts'
import { lapseClaim } from '../../test/lapse-claim.ts'
import { loadClaimed } from '../deliver/index.ts'
import { cancelMessage, createMessageReader, explainMessage, retryMessage } from '../messages/index.ts'
import { type SweepDeps, sweepSteps } from '../sweep/index.ts'
import { createLifeWatch } from './life-watch.ts'
import { countLost } from './set-aside.ts'
import { claimSuspects } from './sql/claim-suspects.ts'

let db: TestDatabase
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const deps = () => ({ tenants: db.tenants, messages: createMessageReader({ pool: db.pool }) })
const readerOf = ({ tenantId }: Backlog) => ({ tenantId, mode: 'live' as const })
const suspects = (free = 4) => claimSuspects(db.pool, { free, max: 4, leaseMs: 60_000 })
const sweepDeps = (change: Partial<SweepDeps> = {}): SweepDeps => ({
  pool: db.pool,
  repeatWindowMs: () => 0,
  ...change,
})
type Claimed = Awaited<ReturnType<Backlog['claim']>>

/** A worker loads the claim, so that it is in its hands. */
async function begin(claim: Claimed): Promise<Pool> {
  if (!claim) throw new Error('not claimed')
  const worker = createPool({
    url: db.url,
    max: 2,
    applicationName: 'worker',
    role: 'lettergate_batch',
    workerId: newWorkerId(),
    onError: () => {},
  })
  await loadClaimed(worker, [claim], 'claimed')
  return worker
}

/** A worker holds its claim, and is gone. */
async function die(claim: Claimed): Promise<void> {
  const worker = await begin(claim)
  if (claim) await lapseClaim(db.pool, claim)
  await worker.end()
  await sweepSteps.releaseExpiredClaims(sweepDeps())
}

async function lostWorkers(): Promise<number[]> {
  const { rows } = await db.pool.query<{ lost_workers: number }>({ text: 'select lost_workers from outbox' })
  return rows.map((row) => row.lost_workers)
}

async function setAside(recipients = 1): Promise<Backlog> {
  const backlog = await buildBacklog(db.pool, { recipients })
  await die(await backlog.claim())
  await die((await suspects())[0])
  await die((await suspects())[0])
  return backlog
}

test('a claim that was not begun does not count against its message', async () => {
  const backlog = await buildBacklog(db.pool)
  const claim = await backlog.claim()
  if (!claim) throw new Error('not claimed')
  await lapseClaim(db.pool, claim)
  await sweepSteps.releaseExpiredClaims(sweepDeps())
  expect(await lostWorkers()).toEqual([0])
  expect(await backlog.claim()).toBeDefined()
})

test('an expired claim or attempt of a live worker does not count against its message', async () => {
  const backlog = await buildBacklog(db.pool)
  const lives = createLifeWatch(db.pool)
  const slow = sweepDeps({ repeatWindowMs: () => 86_400_000, lifeOf: lives.lifeOf })
  const claim = await backlog.claim()
  const worker = await begin(claim)
  if (!claim) throw new Error('not claimed')
  await lapseClaim(db.pool, claim)
  await lives.look()
  await sweepSteps.releaseExpiredClaims(slow)
  expect(await lostWorkers()).toEqual([0])
  const again = await backlog.claim()
  if (!again) throw new Error('not claimed')
  await loadClaimed(worker, [again], 'claimed')
  expect(await backlog.fence(again)).toBe(true)
  await lapseClaim(db.pool, again)
  await sweepSteps.giveUpLostSending(slow)
  expect(await lostWorkers()).toEqual([0])
  expect(await backlog.statuses()).toEqual(['deferred'])
  await worker.end()
})

test('an expired claim waits until it is known whether its worker is alive', async () => {
  const backlog = await buildBacklog(db.pool)
  const claim = await backlog.claim()
  const worker = await begin(claim)
  if (!claim) throw new Error('not claimed')
  await lapseClaim(db.pool, claim)
  expect(await sweepSteps.releaseExpiredClaims(sweepDeps({ lifeOf: () => 'unknown' }))).toBe(0)
  expect(await backlog.outbox()).toMatchObject([{ state: 'claimed' }])
  await worker.end()
  expect(await sweepSteps.releaseExpiredClaims(sweepDeps({ lifeOf: () => 'gone' }))).toBe(1)
  expect(await lostWorkers()).toEqual([1])
})

test('a message with a lost worker is sent only by a separate process', async () => {
  const backlog = await buildBacklog(db.pool)
  await die(await backlog.claim())
  expect(await backlog.claim()).toBeUndefined()
  const [claim] = await suspects()
  expect(claim?.messageId).toBe(backlog.messageId)
  if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
  await backlog.record(claim, ['sent'])
  expect(await backlog.statuses()).toEqual(['sent'])
})

test('after the third lost worker a message is held with a reason, and not retried automatically', async () => {
  const backlog = await setAside(2)
  expect(await backlog.statuses()).toEqual(['held', 'held'])
  expect(await backlog.claim()).toBeUndefined()
  expect(await suspects()).toEqual([])
  await db.pool.query({ text: 'update tenant set connections_version = connections_version + 1' })
  await sweepSteps.releaseWaiting(sweepDeps())
  expect(await suspects()).toEqual([])
  const { rows } = await db.pool.query<{ type: string; data: { reason: string } }>({
    text: "select type, data from event where type = 'recipient.held'",
  })
  expect(rows).toHaveLength(2)
  expect(rows[0]?.data.reason).toMatch(/held: three workers .* Retry it/)
  const { message, reasons } = await explainMessage(deps(), readerOf(backlog), backlog.messageId)
  expect(message.status).toBe('held')
  expect(reasons[0]).toMatchObject({ code: 'set-aside', detail: expect.stringContaining('Retry it') })
  expect(await backlog.used()).toBe(2)
})

test('a retry sends a held message once more in a separate process; a cancellation ends and refunds it', async () => {
  const backlog = await setAside()
  await retryMessage(deps(), readerOf(backlog), backlog.messageId)
  expect(await backlog.statuses()).toEqual(['queued'])
  expect(await backlog.claim()).toBeUndefined()
  await die((await suspects())[0])
  await die((await suspects())[0])
  expect(await backlog.statuses()).toEqual(['held'])
  await cancelMessage(deps(), readerOf(backlog), backlog.messageId)
  expect(await backlog.statuses()).toEqual(['cancelled'])
  expect(await backlog.used()).toBe(0)
})

test('a message with more lost workers waits for the other messages of its tenant', async () => {
  const backlog = await buildBacklog(db.pool)
  await db.pool.query({ text: 'update outbox set lost_workers = 2' })
  await db.pool.query({
    text: `insert into outbox (message_id, tenant_id, mode, state, content_bytes, lost_workers)
           select ('ffffffff-ffff-7fff-bfff-fffffffffff' || n)::uuid, $1, 'live', 'ready', 1, 1 from generate_series(1, 3) n`,
    values: [backlog.tenantId],
  })
  const claims = await suspects()
  expect(claims).toHaveLength(2)
  expect(claims.map(({ messageId }) => messageId)).not.toContain(backlog.messageId)
})

test('a dead process counts once and immediately, for any timing of the sweeper', async () => {
  const backlog = await buildBacklog(db.pool)
  const claim = await backlog.claim()
  if (!claim) throw new Error('not claimed')
  await loadClaimed(db.pool, [claim], 'claimed')
  await Promise.all([countLost(sweepDeps(), claim), countLost(sweepDeps(), claim)])
  await sweepSteps.releaseExpiredClaims(sweepDeps())
  expect(await lostWorkers()).toEqual([1])
  const [alone] = await suspects()
  if (!alone || !(await backlog.fence(alone))) throw new Error('not claimed')
  const repeatable = sweepDeps({ repeatWindowMs: () => 86_400_000 })
  await Promise.all([countLost(repeatable, alone), countLost(repeatable, alone)])
  expect(await lostWorkers()).toEqual([2])
  expect(await backlog.statuses()).toEqual(['deferred'])
})

test('a held message fails with its reason at the tenant’s retry limit', async () => {
  await db.pool.query({ text: 'alter table tenant alter column retry_hours set default 5' })
  const backlog = await setAside()
  const { rows } = await db.pool.query({
    text: 'select extract(epoch from due_at - first_due_at)::int / 3600 as hours from outbox',
  })
  expect(rows).toEqual([{ hours: 5 }])
  await db.pool.query({ text: "update outbox set state = 'ready', due_at = now()" })
  await sweepSteps.endSetAside(sweepDeps())
  expect(await backlog.statuses()).toEqual(['failed'])
  const reasons = await db.pool.query({ text: 'select distinct reason from recipient' })
  expect(reasons.rows).toEqual([
    { reason: expect.stringMatching(/^gave up after 5 hours: held: three workers/) },
  ])
  expect(await backlog.outbox()).toEqual([])
  expect(await backlog.used()).toBe(0)
})

test('a worker lost during a call that may be repeated counts against the message', async () => {
  const backlog = await buildBacklog(db.pool)
  const claim = await backlog.claim()
  const worker = await begin(claim)
  if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
  await lapseClaim(db.pool, claim)
  await worker.end()
  const lost: number[] = []
  await sweepSteps.giveUpLostSending(
    sweepDeps({ repeatWindowMs: () => 86_400_000, onLost: ({ suspected }) => lost.push(suspected) }),
  )
  expect(await lostWorkers()).toEqual([1])
  expect(lost).toContain(1)
  expect(await backlog.statuses()).toEqual(['deferred'])
})

test('an unknown message with a lost worker is sent by a separate process when its tenant retries it', async () => {
  const backlog = await buildBacklog(db.pool)
  const claim = await backlog.claim()
  const worker = await begin(claim)
  if (!claim || !(await backlog.fence(claim))) throw new Error('not claimed')
  await lapseClaim(db.pool, claim)
  await worker.end()
  await sweepSteps.giveUpLostSending(sweepDeps())
  expect(await backlog.statuses()).toEqual(['unknown'])
  await retryMessage(deps(), readerOf(backlog), backlog.messageId)
  expect(await backlog.claim()).toBeUndefined()
  expect((await suspects()).map(({ messageId }) => messageId)).toEqual([backlog.messageId])
})

test('one tenant never uses more than half of the places, and another tenant gets one', async () => {
  const first = await buildBacklog(db.pool)
  const second = await buildBacklog(db.pool)
  await db.pool.query({
    text: `insert into outbox (message_id, tenant_id, mode, state, content_bytes, lost_workers)
           select gen_random_uuid(), $1, 'live', 'ready', 1, 1 from generate_series(1, 50)`,
    values: [first.tenantId],
  })
  await db.pool.query({
    text: 'update outbox set lost_workers = 1 where message_id = $1',
    values: [second.messageId],
  })
  const claims = await suspects()
  expect(claims.filter(({ tenantId }) => tenantId === first.tenantId)).toHaveLength(2)
  expect(claims.filter(({ tenantId }) => tenantId === second.tenantId)).toHaveLength(1)
  expect(await suspects()).toEqual([])
})

test('old records of claims in progress are deleted', async () => {
  await db.pool.query({
    text: `insert into claim_in_hand (at, epochs) values (now() - interval '3 minutes', '{1}'), (now(), '{2}')`,
  })
  // Claims that expired without a worker are judged first.
  const backlog = await buildBacklog(db.pool)
  const claim = await backlog.claim()
  if (!claim) throw new Error('not claimed')
  await lapseClaim(db.pool, claim)
  expect(await sweepSteps.forgetClaimsInHand(sweepDeps())).toBe(0)
  await sweepSteps.releaseExpiredClaims(sweepDeps())
  expect(await sweepSteps.forgetClaimsInHand(sweepDeps())).toBe(1)
})
