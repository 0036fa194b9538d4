import type { Queryable } from '@lettergate/db/pool'

export type Claim = {
  messageId: string
  tenantId: string
  epoch: number
  contentBytes: number
}

export type ClaimResult = {
  /** Tenants take turns in this order. */
  claims: Claim[]
  /** Claims that could still be held when this one was made; 0: the depth is used up. */
  free: number
  /** Where the walk over the tenants stopped; null: it came to the end. */
  cursor: string | null
}

export const FIRST_TENANT = '00000000-0000-0000-0000-000000000000'

/**
 * Claims due messages, fair over tenants.
 * `walk` jumps from tenant to tenant through the index of ready rows, beginning behind the last one served, so a
 * backlog of a million rows costs one probe. `share` is a dynamic threshold (Choudhury & Hahne 1998): a tenant may hold
 * as much as is still free, so one alone uses half of the depth, N get 1/(N+1) each, and a newcomer always finds room.
 * A message over which a worker was lost is left to `claimSuspects`.
 */
const TEXT = `
with recursive held as materialized (
  select tenant_id, count(*)::int4 as n from outbox where phase = 'held' group by tenant_id
), free as materialized (
  select greatest(0, $1::int4 - coalesce((select sum(n) from held), 0))::int4 as n
), walk as (
  (select tenant_id, 1 as step from outbox where phase = 'ready' and lost_workers = 0 and tenant_id > $2::uuid
   order by tenant_id limit 1)
  union all
  select next.tenant_id, walk.step + 1
  from walk cross join lateral (
    select o.tenant_id from outbox o where o.phase = 'ready' and o.lost_workers = 0 and o.tenant_id > walk.tenant_id
    order by o.tenant_id limit 1
  ) next
  where walk.step < $3::int4
), share as materialized (
  select w.tenant_id,
         greatest((f.n - coalesce(h.n, 0)) / ((select count(*) from walk) + 1),
                  case when h.n is null and f.n > 0 then 1 else 0 end) as n
  from walk w cross join free f left join held h using (tenant_id)
), picked as materialized (
  select p.message_id from share s cross join lateral (
    select o.message_id from outbox o where o.tenant_id between s.tenant_id and s.tenant_id and o.phase = 'ready'
      and o.lost_workers = 0
    order by o.tenant_id, o.message_id limit s.n for update skip locked
  ) p
), claimed as (
  update outbox o
  set state = 'claimed', epoch = nextval('claim_epoch'), lease_until = now() + $4::int4 * interval '1 ms'
  where o.message_id = any (array(select message_id from picked))
  returning o.message_id, o.tenant_id, o.epoch, o.content_bytes
)
select c.message_id, c.tenant_id, c.epoch, c.content_bytes, f.n as free,
       (select tenant_id from walk where step = $3::int4) as cursor
from free f left join claimed c on true
order by row_number() over (partition by c.tenant_id order by c.message_id), c.tenant_id`

type Row = {
  message_id: string | null
  tenant_id: string
  epoch: number
  content_bytes: number
  free: number
  cursor: string | null
}

/** `depth`: claims that may be held at once; `leaseMs`: how long a claim lasts before the sweeper takes it back. */
export async function claimMessages(
  db: Queryable,
  options: { depth: number; afterTenant: string; tenantsMax: number; leaseMs: number },
): Promise<ClaimResult> {
  const { rows } = await db.query<Row>({
    name: 'claim-messages',
    text: TEXT,
    values: [options.depth, options.afterTenant, options.tenantsMax, options.leaseMs],
  })
  const claims: Claim[] = []
  for (const row of rows) {
    if (row.message_id === null) continue
    claims.push({
      messageId: row.message_id,
      tenantId: row.tenant_id,
      epoch: row.epoch,
      contentBytes: row.content_bytes,
    })
  }
  return { claims, free: rows[0]?.free ?? 0, cursor: rows[0]?.cursor ?? null }
}
