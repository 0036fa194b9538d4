import type { Queryable } from '@lettergate/db/pool'
import { type Counter, PROOF_ROWS, STORED_COLUMNS } from '../quotas.ts'

/** A counter that differs from the messages that it should be the sum of. */
export type Drift = {
  tenantId: string
  mode: string
  day: string
  counter: Exclude<Counter, 'month'>
  counted: number
  stored: number
}

/**
 * Compares the counters of a day with the messages that count there, both in one look. Messages that were accepted on another day are named
 * by `usage_moved`; an hour on both sides has those accepted about midnight.
 */
export async function findDrift(db: Queryable, tenantIds: readonly string[], day: string): Promise<Drift[]> {
  const { rows } = await db.query<Drift>({
    name: 'find-usage-drift',
    text: `
      with bounds as materialized (
        select uuid_at($2::date::timestamp at time zone 'utc' - interval '1 hour') as low,
               uuid_at(($2::date + 1)::timestamp at time zone 'utc' + interval '1 hour') as high
      ), own as materialized (
        select m.tenant_id, m.mode, m.usage_day, m.pool_day, m.bytes_day, m.recipient_count, m.returned, m.pool_n, m.content_bytes
        from message m
        where m.tenant_id = any ($1::uuid[]) and m.id >= (select low from bounds) and m.id < (select high from bounds)
        union all
        select m.tenant_id, m.mode, m.usage_day, m.pool_day, m.bytes_day, m.recipient_count, m.returned, m.pool_n, m.content_bytes
        from usage_moved v join message m on m.tenant_id = v.tenant_id and m.id = v.message_id
        where v.tenant_id = any ($1::uuid[]) and v.day = $2
          and (v.message_id < (select low from bounds) or v.message_id >= (select high from bounds))
      ), ledger as materialized (
        select tenant_id, mode, ${STORED_COLUMNS} from own group by 1, 2
      )
      select u.tenant_id as "tenantId", u.mode, u.day, c.counter, c.counted::float8, c.stored::float8
      from usage u
      left join ledger l using (tenant_id, mode)
      cross join lateral (values ${PROOF_ROWS}) as c(counter, counted, stored)
      where u.tenant_id = any ($1::uuid[]) and u.day = $2 and u.day_limit is not null and c.counted <> c.stored`,
    values: [tenantIds, day],
  })
  return rows
}
