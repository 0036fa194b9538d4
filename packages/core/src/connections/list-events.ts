import type { TenantPrisma } from '@lettergate/db/prisma'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { type CursorKey, fromStorage, readCursor, writeCursor } from '../lib/index.ts'
import { readConnection } from './connections.ts'
import { type ConnectionEventRow, readConnectionEvents } from './sql/read-connection-events.ts'

/** Connection events are kept for 90 days, at most 1,000 for each connection: an unstable one writes a pair every few seconds. */
export const EVENTS_KEPT = { days: 90, ofConnection: 1_000 }

/** When a connection stopped working and when it worked again, oldest first, a page at a time. */
export async function listConnectionEvents(
  deps: { tenants: Tenants; prisma: TenantPrisma; cursorKey: CursorKey },
  tenantId: string,
  id: string,
  page: { cursor?: string | undefined; limit: number },
): Promise<{ events: ConnectionEventRow[]; nextCursor: string | null }> {
  await readConnection(deps, tenantId, id)
  const scope = ['connection events', tenantId, id]
  const after = page.cursor === undefined ? -1 : Number(readCursor(deps.cursorKey, scope, page.cursor))
  const found = await fromStorage(
    readConnectionEvents(
      deps.tenants.forTenant(tenantId),
      { tenantId, id },
      { after, limit: page.limit + 1 },
    ),
  )
  const events = found.slice(0, page.limit)
  const last = events.at(-1)
  const hasMore = found.length > page.limit && last !== undefined
  return { events, nextCursor: hasMore ? writeCursor(deps.cursorKey, scope, String(last.seq)) : null }
}
