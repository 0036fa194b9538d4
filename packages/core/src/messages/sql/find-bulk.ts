import type { BulkAction } from '@lettergate/contracts/messages/bulk'
import type { Queryable } from '@lettergate/db/pool'
import { isPending } from '../../lib/index.ts'
import { LOST_WORKERS_MAX } from '../../lost-workers/index.ts'
import type { StoredFilter } from '../bulk-filter.ts'

/** Null: any. */
type BulkConditions = Omit<StoredFilter, 'start' | 'end'> & { mode: string | null }

export type BulkMatch = {
  id: string
  mode: string
  /** Its state allows the action. */
  isApplicable: boolean
}

/** States that allow an action, as the statements that do it decide. */
const ALLOWED: Record<BulkAction, string> = {
  cancel: `o.state <> 'sending'`,
  hold: `o.state <> 'sending' and o.held_at is null and o.lost_workers < ${LOST_WORKERS_MAX}`,
  release: `o.held_at is not null and o.state = 'waiting'`,
  retry: `(o.state is null or o.state = 'waiting') and exists (
    select from recipient r where r.tenant_id = $1 and r.message_id = k.id and r.status in ('failed', 'unknown', 'deferred', 'held'))`,
}

const SHOWN = `case when ${isPending('r.status')} and o.state = 'sending' then 'sending' else r.status end`

const textOf = (action: BulkAction) => `
select m.id, m.mode, coalesce(${ALLOWED[action]}, false) as "isApplicable"
from unnest($2::uuid[]) as k(id)
cross join lateral (
  select id, mode, tags, stream, from_address, subject, connection_id from message where tenant_id = $1 and id = k.id offset 0
) m
left join lateral (
  select state, held_at, lost_workers, wait_for from outbox where message_id = k.id and tenant_id = $1 limit 1
) o on true
where ($3::text is null or m.mode = $3)
  and ($4::text is null or $4 = any (m.tags))
  and ($5::text is null or m.stream = $5)
  and ($6::text is null or m.from_address = $6)
  and ($7::text is null or position(lower($7) in lower(m.subject)) > 0)
  and ($8::uuid is null or m.connection_id = $8 or o.wait_for = $8 or exists (
    select from attempt a where a.tenant_id = $1 and a.message_id = k.id and a.connection_id = $8))
  and (coalesce($9, $10, $11) is null and $12::text[] is null or exists (
    select from recipient r
    where r.tenant_id = $1 and r.message_id = k.id
      and ($9::text is null or r.address = $9)
      and ($10::text is null or right(lower(r.address), length($10) + 1) = '@' || lower($10))
      and ($11::text is null or position(lower($11) in lower(r.reason)) > 0)
      and ($12::text[] is null or ${SHOWN} = any ($12))))
order by m.id desc`

/** Which of these messages match, newest first. */
export async function findBulk(
  db: Queryable,
  action: BulkAction,
  tenantId: string,
  ids: readonly string[],
  filter: BulkConditions,
): Promise<BulkMatch[]> {
  const { rows } = await db.query<BulkMatch>({
    name: `find-bulk-${action}`,
    text: textOf(action),
    values: [
      ...[tenantId, ids, filter.mode, filter.tag, filter.stream, filter.from, filter.subject],
      ...[filter.connectionId, filter.to, filter.toDomain, filter.reason, filter.statuses],
    ],
  })
  return rows
}
