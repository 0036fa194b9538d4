import type { BulkAction } from '@lettergate/contracts/messages/bulk'
import type { Queryable } from '@lettergate/db/pool'
import type { StoredFilter } from './bulk-filter.ts'
import { type BulkMatch, findBulk } from './sql/find-bulk.ts'
import { listCandidates } from './sql/list-candidates.ts'

/** Messages looked at in one statement. */
export const BULK_WINDOW = 500

export type BulkPage = {
  matches: BulkMatch[]
  /** Where the next page begins; null: this was the last one of the tenant. */
  next: string | null
}

/** The next messages of a tenant that match, newest first: `before` is not included. */
export async function readBulkPage(
  db: Queryable,
  tenantId: string,
  query: { action: BulkAction; mode: string | null; filter: StoredFilter },
  before: string | null,
): Promise<BulkPage> {
  const { action, mode, filter } = query
  const window = { tenantId, from: filter.end, before: before ?? filter.start, limit: BULK_WINDOW }
  const { to, statuses } = filter
  const only = statuses?.length === 1 ? statuses[0] : undefined
  const candidates = await listCandidates(db, window, { to: to ?? undefined, status: only })
  const ids = [...new Set(candidates)]
  const matches = ids.length === 0 ? [] : await findBulk(db, action, tenantId, ids, { ...filter, mode })
  const last = candidates.length < BULK_WINDOW ? undefined : candidates.at(-1)
  return { matches, next: last ?? null }
}
