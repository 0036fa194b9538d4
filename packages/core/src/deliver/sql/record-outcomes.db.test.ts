import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import type { SendOutcome } from '@lettergate/providers/provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TriedStatus } from '../../../test/backlog.ts'
import { buildTenant, buildUnit } from '../../../test/rows.ts'
import { acceptMessages } from '../../accept/index.ts'
import { type Claim, claimMessages, FIRST_TENANT } from '../../dispatch/index.ts'
import { ensureUsage } from '../../usage/index.ts'
import { beginSending } from './begin-sending.ts'
import { type OutcomeRecord, recordOutcomes } from './record-outcomes.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

async function claimAgain({ tenantId }: { tenantId: string }): Promise<Claim> {
  const { claims } = await claimMessages(db.pool, {
    depth: 1_000,
    afterTenant: FIRST_TENANT,
    tenantsMax: 50,
    leaseMs: 60_000,
  })
  const claim = claims.find((one) => one.tenantId === tenantId)
  if (!claim) throw new Error('nothing was claimed')
  return claim
}

/** One message of its own tenant, committed as being sent. */
async function sendingMessage(): Promise<Claim> {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  await acceptMessages(db.pool, [buildUnit(tenantId)])
  const claim = await claimAgain({ tenantId })
  await beginSending(db.pool, [{ ...claim, connectionId: null, provider: 'smtp', token: 1 }], 60_000)
  return claim
}

function buildRecord(
  claim: Claim,
  outcome: SendOutcome['kind'],
  status: TriedStatus,
  change: Partial<OutcomeRecord> = {},
): OutcomeRecord {
  return {
    tenantId: claim.tenantId,
    messageId: claim.messageId,
    epoch: claim.epoch,
    mode: 'live',
    stream: 'transactional',
    usageDay: new Date().toISOString().slice(0, 10),
    attempt: {
      number: 1,
      connectionId: null,
      provider: 'smtp',
      startedAt: new Date(),
      outcome,
      scope: null,
      code: null,
      reason: null,
      choice: null,
      providerMessageId: outcome === 'accepted' ? 'id-1' : null,
      positions: [0],
    },
    changes: [{ position: 0, status, reason: null, event: `recipient.${status}` }],
    retryInMs: null,
    giveBack: 0,
    ...change,
  }
}

async function stateOf(claim: Claim) {
  const { rows } = await db.pool.query<{
    status: string
    state: string | null
    outcome: string | null
    events: string[]
    used: number
  }>({
    text: `
      select r.status, o.state, a.outcome, u.accepted as used,
             array(select type from event e where e.tenant_id = $1 and e.message_id = $2 order by seq) as events
      from recipient r
      left join outbox o on o.message_id = r.message_id
      left join attempt a on a.tenant_id = r.tenant_id and a.message_id = r.message_id
      join usage u on u.tenant_id = r.tenant_id
      where r.tenant_id = $1 and r.message_id = $2`,
    values: [claim.tenantId, claim.messageId],
  })
  return rows[0]
}

test('an accepted attempt leaves a sent recipient, an attempt, an event and no backlog', async () => {
  const claim = await sendingMessage()
  await recordOutcomes(db.pool, [buildRecord(claim, 'accepted', 'sent')])
  expect(await stateOf(claim)).toEqual({
    status: 'sent',
    state: null,
    outcome: 'accepted',
    events: ['recipient.sent'],
    used: 1,
  })
})

test('a result that is written twice counts once', async () => {
  const claim = await sendingMessage()
  const record = buildRecord(claim, 'rejected', 'failed', { giveBack: 1 })
  await recordOutcomes(db.pool, [record])
  await recordOutcomes(db.pool, [record])
  expect(await stateOf(claim)).toMatchObject({ events: ['recipient.failed'], used: 0 })
})

test('a deferred attempt returns the message to the backlog', async () => {
  const claim = await sendingMessage()
  await recordOutcomes(db.pool, [buildRecord(claim, 'deferred', 'deferred', { retryInMs: 60_000 })])
  expect(await stateOf(claim)).toMatchObject({ status: 'deferred', state: 'waiting', outcome: 'deferred' })
})

test('a worker that lost its claim writes nothing', async () => {
  const claim = await sendingMessage()
  await recordOutcomes(db.pool, [
    buildRecord({ ...claim, epoch: claim.epoch - 1 }, 'rejected', 'failed', { giveBack: 1 }),
  ])
  expect(await stateOf(claim)).toMatchObject({ status: 'queued', state: 'sending', outcome: null, used: 1 })
})

test('late proof of acceptance corrects an attempt that became unknown', async () => {
  const claim = await sendingMessage()
  await recordOutcomes(db.pool, [buildRecord(claim, 'unknown', 'unknown')])
  await recordOutcomes(db.pool, [buildRecord(claim, 'accepted', 'sent')])
  expect(await stateOf(claim)).toMatchObject({
    status: 'sent',
    outcome: 'accepted',
    events: ['recipient.unknown', 'recipient.sent'],
  })
})

test('late proof of acceptance cancels the repeat that a message waits for', async () => {
  const claim = await sendingMessage()
  await recordOutcomes(db.pool, [buildRecord(claim, 'unknown', 'deferred', { retryInMs: 60_000 })])
  await recordOutcomes(db.pool, [buildRecord(claim, 'accepted', 'sent')])
  expect(await stateOf(claim)).toMatchObject({
    status: 'sent',
    state: null,
    outcome: 'accepted',
    events: ['recipient.deferred', 'recipient.sent'],
  })
})

test('late proof of acceptance takes the message from a worker that has only claimed it', async () => {
  const claim = await sendingMessage()
  await recordOutcomes(db.pool, [buildRecord(claim, 'unknown', 'deferred', { retryInMs: 0 })])
  const again = await claimAgain(claim)
  await recordOutcomes(db.pool, [buildRecord(claim, 'accepted', 'sent')])
  const fence = { ...again, connectionId: null, provider: 'smtp', token: 2 }
  expect(await beginSending(db.pool, [fence], 60_000)).toEqual([null])
  expect(await stateOf(claim)).toMatchObject({ status: 'sent', state: null })
})

test('late proof of acceptance lets a repeat in progress end normally', async () => {
  const claim = await sendingMessage()
  await recordOutcomes(db.pool, [buildRecord(claim, 'unknown', 'deferred', { retryInMs: 0 })])
  const again = await claimAgain(claim)
  await beginSending(db.pool, [{ ...again, connectionId: null, provider: 'smtp', token: 2 }], 60_000)
  await recordOutcomes(db.pool, [buildRecord(claim, 'accepted', 'sent')])
  expect(await stateOf(claim)).toMatchObject({
    status: 'deferred',
    state: 'sending',
    outcome: 'accepted',
    events: ['recipient.deferred'],
  })
})

test('a late outcome that proves no acceptance changes nothing', async () => {
  const claim = await sendingMessage()
  await recordOutcomes(db.pool, [buildRecord(claim, 'unknown', 'unknown')])
  await recordOutcomes(db.pool, [buildRecord(claim, 'rejected', 'failed', { giveBack: 1 })])
  expect(await stateOf(claim)).toMatchObject({ status: 'unknown', outcome: 'unknown', used: 1 })
})

test('one statement writes the results of many tenants', async () => {
  const claims = [await sendingMessage(), await sendingMessage(), await sendingMessage()]
  await recordOutcomes(
    db.pool,
    claims.map((claim) => buildRecord(claim, 'accepted', 'sent')),
  )
  for (const claim of claims) expect(await stateOf(claim)).toMatchObject({ status: 'sent', state: null })
})
