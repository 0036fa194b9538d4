import type { DeleteConnectionQuery } from '@lettergate/contracts/connections/requests'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { TenantPrisma } from '@lettergate/db/prisma'
import type { TenantDatabase, Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'
import { lockTenant } from '../tenants/index.ts'
import { readConnection } from './connections.ts'
import { type DeletedConnection, deleteConnectionRow } from './sql/delete-connection.ts'
import { failPinned } from './sql/fail-pinned.ts'
import { listPinned, QUEUED_PHASES, type QueuedPhase } from './sql/list-pinned.ts'
import { unpin } from './sql/unpin.ts'

type Queued = DeleteConnectionQuery['queued']
type Work = {
  db: TenantDatabase
  tenantId: string
  id: string
  queued: Queued
  deadline: number
  /** The connection is deleted already. */
  isGone: boolean
  pageMax: number
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000'
/** Messages looked at in one transaction. */
const PAGE_MAX = 1_000
/** The request is answered within this time; the client continues by repeating it. */
const WORK_MS = 8_000
/** For those that came or went from one phase to another meanwhile: once the connection is gone, there is nothing to ask again. */
const LATE_WORK_MS = 4_000
const REASON = 'the connection that the message names was deleted'

/** Does to these messages what the tenant chose; each transaction is bounded, and finds nothing left to do the second time. */
async function settle({ db, tenantId, id, queued }: Work, ids: string[]): Promise<number> {
  if (queued === 'hold') return ids.length
  if (queued === 'move') return db.transaction((client) => unpin(client, tenantId, id, ids))
  return failPinned(db, tenantId, ids, REASON)
}

async function settlePhase(work: Work, phase: QueuedPhase, done: number): Promise<number> {
  let count = 0
  for (let after: string | null = FIRST_ID; after !== null; ) {
    const at = { phase, after, limit: work.pageMax }
    const page = await listPinned(work.db, work.tenantId, work.id, at)
    count += await settle(work, page.ids)
    after = page.after
    if (after === null || performance.now() < work.deadline) continue
    if (work.isGone) break
    throw new Problem('overloaded', {
      detail: `The connection is still there: ${done + count} waiting messages are done, and more are left. Repeat the request to go on.`,
      headers: { 'retry-after': '1' },
    })
  }
  return count
}

async function settleAll(work: Work): Promise<number> {
  let count = 0
  for (const phase of QUEUED_PHASES) count += await settlePhase(work, phase, count)
  return count
}

/**
 * Deletes a connection in three steps: settles the messages that wait for it, deletes it, settles messages that came meanwhile. An
 * interrupted deletion leaves the connection, and the same request continues. An attempt in progress finishes; if its message needs a retry
 * and names this connection, it is held.
 */
export async function deleteConnection(
  deps: { tenants: Tenants; prisma: TenantPrisma; workMs?: number; pageMax?: number },
  tenantId: string,
  id: string,
  queued: Queued = 'move',
): Promise<{ messages: number } & DeletedConnection> {
  await readConnection(deps, tenantId, id)
  const db = deps.tenants.forTenant(tenantId)
  const deadline = performance.now() + (deps.workMs ?? WORK_MS)
  const work = { db, tenantId, id, queued, deadline, isGone: false, pageMax: deps.pageMax ?? PAGE_MAX }
  return fromStorage(
    (async () => {
      const before = await settleAll(work)
      const deleted = await db.transaction(async (client) => {
        // A route that is being given this connection as a target comes before, and loses it again, or after, and is refused.
        await lockTenant(client, tenantId)
        return deleteConnectionRow(client, tenantId, id)
      })
      if (!deleted) throw new Problem('not-found')
      if (queued === 'hold') return { messages: before, ...deleted }
      const late = { ...work, deadline: performance.now() + LATE_WORK_MS, isGone: true }
      return { messages: before + (await settleAll(late)), ...deleted }
    })(),
  )
}
