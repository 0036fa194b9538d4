import type { Queryable } from '@lettergate/db/pool'
import { isPending } from '../../lib/index.ts'

/** Null: any. */
export type ListFilter = { mode: string; tag: string | null; address: string | null; status: string | null }

/**
 * Which of these messages match, newest first: as an action on many messages finds them (`find-bulk.ts`), so that it changes what the list
 * shows. A status is matched as it is shown: while the outbox says "sending", recipients that wait for the outcome are sending.
 */
export async function listMatching(
  db: Queryable,
  tenantId: string,
  ids: readonly string[],
  filter: ListFilter,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'list-matching',
    text: `
      select m.id
      from unnest($2::uuid[]) as k(id)
      cross join lateral (
        select id, mode, tags from message where tenant_id = $1 and id = k.id offset 0
      ) m
      where m.mode = $3
        and ($4::text is null or $4 = any (m.tags))
        and (coalesce($5, $6) is null or exists (
          select from recipient r where r.tenant_id = $1 and r.message_id = k.id
            and ($5::text is null or r.address = $5)
            and ($6::text is null or case when ${isPending('r.status')}
                       and exists (select from outbox o where o.message_id = k.id and o.state = 'sending')
                     then 'sending' else r.status end = $6)))
      order by m.id desc`,
    values: [tenantId, ids, filter.mode, filter.tag, filter.address, filter.status],
  })
  return rows.map((row) => row.id)
}
