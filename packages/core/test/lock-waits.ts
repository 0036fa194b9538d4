import { createPool, type Pool } from '@lettergate/db/pool'
import type { TestDatabase } from '@lettergate/db/test/database'
import { expect } from 'vitest'
import { acceptMessages } from '../src/accept/index.ts'
import { ensureUsage } from '../src/usage/index.ts'
import { buildRow, buildTenant, buildUnit } from './rows.ts'

/** One connection with plans as after some runs: only such a plan leaves out partitions when it starts. */
export async function openGeneric({ url }: { url: string }): Promise<Pool> {
  const pool = createPool({ url, max: 1, applicationName: 'lettergate-test', onError: () => undefined })
  await pool.query({ text: 'set plan_cache_mode = force_generic_plan' })
  return pool
}

type Change = { text: string; values: unknown[] }

/**
 * Changes a row in a transaction that ends only when a statement of `work` waits for it, and after `further` changes. Answers what the work
 * did.
 */
export async function changeWhileWaited<T>(
  db: TestDatabase,
  change: Change,
  work: () => Promise<T>,
  further: readonly Change[] = [],
): Promise<T> {
  const other = await db.pool.connect()
  try {
    await other.query('begin')
    const { rowCount } = await other.query(change)
    expect(rowCount).toBe(1)
    const working = work()
    await expect
      .poll(
        async () => {
          const { rows } = await db.pool.query<{ waits: number }>({
            text: `select count(*)::int4 as waits from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          })
          return rows[0]?.waits
        },
        { timeout: 10_000 },
      )
      .toBe(1)
    for (const one of further) await other.query(one)
    await other.query('commit')
    return await working
  } finally {
    other.release()
  }
}

export const threeRecipients = ['a', 'b', 'c'].map((name) => ({
  kind: 'to' as const,
  address: `${name}@example.net`,
  name: null,
}))

export type ClaimKey = { tenantId: string; messageId: string; epoch: number }

/** Messages of three recipients, claimed by a worker. */
export async function buildClaims(db: TestDatabase, count: number): Promise<ClaimKey[]> {
  const tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const rows = Array.from({ length: count }, () => buildRow({ recipients: threeRecipients }))
  await acceptMessages(db.pool, [buildUnit(tenantId, rows)])
  const { rows: claims } = await db.pool.query<ClaimKey>({
    text: `update outbox set state = 'claimed', epoch = nextval('claim_epoch'), lease_until = now() + interval '1 minute'
           where tenant_id = $1 returning tenant_id as "tenantId", message_id as "messageId", epoch`,
    values: [tenantId],
  })
  return claims
}

export async function usageOf(db: TestDatabase, tenantId: string) {
  const { rows } = await db.pool.query({
    text: 'select accepted, pool from usage where tenant_id = $1',
    values: [tenantId],
  })
  return rows
}

/** Changes of nothing that lock a row. `$1`: the tenant, `$2`: the message. */
export const touch = {
  'a row of usage': 'update usage set accepted = accepted where tenant_id = $1 and $2::uuid is not null',
  'a message': 'update message set subject = subject where tenant_id = $1 and id = $2',
  'the backlog': 'update outbox set due_at = due_at where tenant_id = $1 and message_id = $2',
  'a recipient':
    'update recipient set updated_at = now() where tenant_id = $1 and message_id = $2 and position = 0',
} as const

/**
 * A transaction that has the row of the backlog takes the rest of the message one by one while `work` waits for it: each must be free, since
 * everything locks in this order (docs/decisions/0025).
 */
export function takeAllWhileWaited<T>(
  db: TestDatabase,
  claim: Omit<ClaimKey, 'epoch'>,
  work: () => Promise<T>,
): Promise<T> {
  const values = [claim.tenantId, claim.messageId]
  const rest = [touch['a message'], touch['a recipient'], touch['a row of usage']]
  return changeWhileWaited(
    db,
    { text: touch['the backlog'], values },
    work,
    rest.map((text) => ({ text, values })),
  )
}
