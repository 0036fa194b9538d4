import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../../test/rows.ts'
import { acceptMessages } from '../../accept/index.ts'
import { claimMessages, FIRST_TENANT } from '../../dispatch/index.ts'
import { ensureUsage } from '../../usage/index.ts'
import { beginSending } from './begin-sending.ts'
import { loadClaimed } from './load-claimed.ts'
import { recordOutcomes } from './record-outcomes.ts'

const TENANTS = 200
const STORED_EACH = 100
/** A probe reads three or four blocks of an index; reading it all, or looking for each tenant, takes hundreds. */
const BLOCKS_MORE_MAX = 40

let db: TestDatabase
let pool: Pool
beforeAll(async () => {
  db = await createTestDatabase()
  // One connection, as plans are kept by each.
  pool = createPool({ url: db.url, max: 1, applicationName: 'lettergate-test', onError: () => undefined })
})
afterAll(async () => {
  await pool.end()
  await db.drop()
})

async function buildReadyTenant(): Promise<string> {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  return tenantId
}

/** One message, from its acceptance to its end. */
async function carryOne(tenantId: string): Promise<void> {
  await acceptMessages(pool, [buildUnit(tenantId)])
  const claiming = { depth: 1, afterTenant: FIRST_TENANT, tenantsMax: 50, leaseMs: 60_000 }
  const { claims } = await claimMessages(pool, claiming)
  const [claim] = claims
  const [message] = await loadClaimed(pool, claims, 'claimed')
  if (!claim || !message) throw new Error('nothing was claimed')
  const fences = claims.map((one) => ({ ...one, connectionId: null, provider: 'smtp', token: 1 }))
  await beginSending(pool, fences, 60_000)
  const attempt = {
    number: 1,
    connectionId: null,
    provider: 'smtp',
    startedAt: new Date(),
    outcome: 'accepted' as const,
    scope: null,
    code: null,
    reason: null,
    choice: null,
    providerMessageId: 'id-1',
    positions: [0],
  }
  const changes = [{ position: 0, status: 'sent' as const, reason: null, event: 'recipient.sent' as const }]
  const { messageId, epoch, mode, stream, usageDay } = message
  await recordOutcomes(pool, [
    {
      tenantId,
      messageId,
      epoch,
      mode,
      stream,
      usageDay,
      attempt,
      changes,
      retryInMs: null,
      giveBack: 0,
    },
  ])
}

/** Blocks of each index that were looked at so far, by this connection. */
async function readBlocks(): Promise<Map<string, number>> {
  await pool.query({ text: 'select pg_stat_force_next_flush()' })
  const { rows } = await pool.query<{ name: string; blocks: number }>({
    text: `select indexrelname as name, (idx_blks_read + idx_blks_hit)::float8 as blocks from pg_statio_user_indexes`,
  })
  return new Map(rows.map(({ name, blocks }) => [name, blocks]))
}

/** Blocks of each index that one message takes. */
async function measureOne(tenantId: string): Promise<Map<string, number>> {
  const before = await readBlocks()
  await carryOne(tenantId)
  const after = await readBlocks()
  return new Map([...after].map(([name, blocks]) => [name, blocks - (before.get(name) ?? 0)]))
}

test('sending a message reads no more rows when the tables grow, although its plans were made on empty tables', async () => {
  const tenantId = await buildReadyTenant()
  await carryOne(tenantId)
  const first = await measureOne(tenantId)
  // Later, so that none of them is claimed; nothing is deleted or vacuumed, after which Postgres would plan again.
  const sendAt = new Date(Date.now() + 86_400_000)
  for (let tenants = 0; tenants < TENANTS; tenants++) {
    const other = await buildReadyTenant()
    const units = Array.from({ length: STORED_EACH }, () => buildUnit(other, [buildRow({ sendAt })]))
    await acceptMessages(db.pool, units)
  }
  const later = await measureOne(tenantId)
  const grown = [...later].filter(([name, blocks]) => blocks - (first.get(name) ?? 0) > BLOCKS_MORE_MAX)
  expect(grown).toEqual([])
})
