import { uuidAtTime } from '@lettergate/contracts/lib/ids'
import type { BulkAction, BulkFilter } from '@lettergate/contracts/messages/bulk'
import type { Queryable } from '@lettergate/db/pool'
import { z } from 'zod'
import { type BulkMatch, findBulk } from './sql/find-bulk.ts'
import { listCandidates } from './sql/list-candidates.ts'

const text = z.string().nullable()

/** A filter as a job keeps it. Ids are those of the database; `start` and `end` bound the ids, the first not included. */
export const StoredFilter = z.object({
  statuses: z.array(z.string()).nullable(),
  reason: text,
  to: text,
  toDomain: text,
  from: text,
  subject: text,
  tag: text,
  stream: text,
  connectionId: text,
  start: z.string(),
  end: z.string(),
})
export type StoredFilter = z.output<typeof StoredFilter>

const FIRST_ID = '00000000-0000-0000-0000-000000000000'
/** Messages looked at in one statement. */
export const BULK_WINDOW = 500

/** The conditions of a request made at this moment: messages that are stored later do not match. */
export function storeFilter(filter: BulkFilter, now: number): StoredFilter {
  const { status } = filter
  const until = filter.until === undefined ? now : Math.min(filter.until.getTime(), now)
  return {
    statuses: status === undefined ? null : [status].flat(),
    reason: filter.reason ?? null,
    to: filter.to ?? null,
    toDomain: filter.to_domain ?? null,
    from: filter.from ?? null,
    subject: filter.subject ?? null,
    tag: filter.tag ?? null,
    stream: filter.stream ?? null,
    connectionId: filter.connection ?? null,
    start: uuidAtTime(new Date(until)),
    end: filter.since === undefined ? FIRST_ID : uuidAtTime(filter.since),
  }
}

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
