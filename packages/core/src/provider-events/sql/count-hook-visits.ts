import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'

/** Events and refusals at one URL since the last count. */
export type HookVisits = {
  connectionId: string
  lastEventAt: Date | null
  refused: number
  lastRefusedAt: Date | null
  lastRefusal: string | null
}

const toArray = rowArray<HookVisits>('hook_visit', [
  column('uuid', (row) => row.connectionId),
  column('timestamptz', (row) => row.lastEventAt),
  column('int4', (row) => row.refused),
  column('timestamptz', (row) => row.lastRefusedAt),
  column('text', (row) => row.lastRefusal),
])

// Locked in the order of the ids, as several processes count at the same time.
const text = `
with visit as materialized (
  select * from unnest($1::hook_visit[])
), locked as materialized (
  select connection_id from hook where connection_id in (select connection_id from visit) order by connection_id for update
)
update hook h
set last_event_at = greatest(h.last_event_at, v.last_event_at), refused = h.refused + v.refused,
    last_refused_at = greatest(h.last_refused_at, v.last_refused_at), last_refusal = coalesce(v.last_refusal, h.last_refusal)
from visit v join locked l using (connection_id)
where h.connection_id = v.connection_id`

/** Adds to the counts of hooks of any tenants; those that were deleted meanwhile are left out. */
export async function countHookVisits(db: Queryable, visits: readonly HookVisits[]): Promise<void> {
  await db.query({ name: 'count-hook-visits', text, values: [await toArray(db, visits)] })
}
