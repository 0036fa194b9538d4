import type { Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buildClaims,
  type ClaimKey,
  changeWhileWaited,
  openGeneric,
  threeRecipients,
  touch,
  usageOf,
} from '../../test/lock-waits.ts'
import { stateOfSent } from '../../test/sent-message.ts'
import { type OutcomeRecord, recordOutcomes } from './sql/record-outcomes.ts'
import type { PoolPart } from './sql/record-pool-parts.ts'
import { takePoolShares } from './sql/take-pool-shares.ts'

let db: TestDatabase
let pool: Pool
beforeAll(async () => {
  db = await createTestDatabase()
  pool = await openGeneric(db)
})
afterAll(async () => {
  await pool.end()
  await db.drop()
})

test.each(['a row of usage', 'a message', 'the backlog'] as const)(
  'shares of the pool are taken for each message, though %s was locked',
  async (locked) => {
    const asks = await buildClaims(db, 3)
    const [first] = asks
    if (!first) throw new Error('nothing was claimed')
    const change = { text: touch[locked], values: [first.tenantId, first.messageId] }
    const shares = await changeWhileWaited(db, change, () => takePoolShares(pool, asks))
    expect(shares.map(({ kind }) => kind)).toEqual(['counted', 'counted', 'counted'])
    expect(await usageOf(db, first.tenantId)).toEqual([{ accepted: 9, pool: 9 }])
    const { rows } = await db.pool.query({
      text: 'select pool_n from message where tenant_id = $1',
      values: [first.tenantId],
    })
    expect(rows.map(({ pool_n }) => pool_n)).toEqual([3, 3, 3])
  },
)

type Fate = {
  status: 'failed' | 'sent'
  outcome: 'rejected' | 'accepted'
  provider: 'smtp' | 'capture'
  pool?: PoolPart
}

/** The record of an attempt with the same fate for all three recipients. */
function recordOf(
  claim: ClaimKey,
  usageDay: string,
  { status, outcome, provider, pool }: Fate,
): OutcomeRecord {
  return {
    ...claim,
    mode: 'live',
    stream: 'transactional',
    usageDay,
    attempt: {
      number: 1,
      connectionId: newId(),
      provider,
      startedAt: new Date(),
      outcome,
      scope: outcome === 'rejected' ? 'message' : null,
      code: outcome === 'rejected' ? 'recipient-refused' : null,
      reason: null,
      choice: null,
      providerMessageId: outcome === 'accepted' ? claim.messageId : null,
      positions: [0, 1, 2],
    },
    changes: threeRecipients.map((_, position) => ({
      position,
      status,
      reason: null,
      event: `recipient.${status}`,
    })),
    retryInMs: null,
    giveBack: status === 'failed' ? 3 : 0,
    ...(pool && { pool }),
  }
}

/** Records this fate of three messages, while a row of the first is locked; answers their tenant. */
async function recordThree(locked: keyof typeof touch, fate: Fate): Promise<string> {
  const claims = await buildClaims(db, 3)
  const [first] = claims
  if (!first) throw new Error('nothing was claimed')
  const { tenantId, messageId } = first
  const { rows } = await db.pool.query<{ day: string }>({
    text: 'select day::text from usage where tenant_id = $1',
    values: [tenantId],
  })
  const records = claims.map((claim) => recordOf(claim, rows[0]?.day ?? '', fate))
  const change = { text: touch[locked], values: [tenantId, messageId] }
  await changeWhileWaited(db, change, () => recordOutcomes(pool, records))
  for (const claim of claims)
    expect(await stateOfSent(db.pool, claim.messageId)).toMatchObject({
      statuses: [fate.status, fate.status, fate.status],
    })
  return tenantId
}

test.each(['a row of usage', 'a message', 'the backlog', 'a recipient'] as const)(
  'outcomes of each message are recorded and given back, though %s was locked',
  async (locked) => {
    const tenantId = await recordThree(locked, { status: 'failed', outcome: 'rejected', provider: 'smtp' })
    expect(await usageOf(db, tenantId)).toEqual([{ accepted: 0, pool: 0 }])
  },
)

const byPool = { byPool: true, holds: false }
test.each([
  { mail: 'captured mail', provider: 'capture', counts: { captured: 3, carried: 0 } },
  { mail: 'mail of the pool', provider: 'smtp', pool: byPool, counts: { captured: 0, carried: 3 } },
  {
    mail: 'captured mail of the pool',
    provider: 'capture',
    pool: byPool,
    counts: { captured: 3, carried: 3 },
  },
] as const)('$mail becomes sent for each recipient, though one was locked', async ({ counts, ...by }) => {
  const tenantId = await recordThree('a recipient', { status: 'sent', outcome: 'accepted', ...by })
  const { rows } = await db.pool.query({
    text: `select (select count(*)::int4 from provider_event where tenant_id = $1 and provider = 'capture') as captured,
                  (select count(*)::int4 from pool_message where tenant_id = $1) as carried`,
    values: [tenantId],
  })
  expect(rows).toEqual([counts])
})

test('no function in the database joins partitions by the id of another row within a range', async () => {
  const { rows } = await db.pool.query({
    text: String.raw`
      select proname from pg_proc
      where pronamespace = current_schema()::regnamespace and prosrc ~ '(id|message_id) = (k|m|a|b|c|p)\.(id|message_id)[^;]{0,160} between'`,
  })
  expect(rows).toEqual([])
})
