import type { Queryable } from '@lettergate/db/pool'

export type Claim = {
  messageId: string
  tenantId: string
  epoch: number
  contentBytes: number
  isBulk: boolean
}

/** The select list of a `Claim`, of rows of the backlog. */
export const claimColumns = (row: string): string =>
  `${row}.message_id as "messageId", ${row}.tenant_id as "tenantId", ${row}.epoch, ${row}.content_bytes as "contentBytes", ${row}.is_bulk as "isBulk"`

export type ClaimResult = {
  /** Tenants take turns in this order. */
  claims: Claim[]
  /** Claims that could still be held when this one was made; 0: the depth is used up. */
  free: number
  /** Where the walk over the tenants stopped; null: it came to the end. */
  cursor: string | null
}

export const FIRST_TENANT = '00000000-0000-0000-0000-000000000000'

/** Bulk mail gets one of this many turns of its tenant while transactional mail waits too, so that it never starves. */
export const BULK_TURN = 8

/**
 * Claims due messages, fair over tenants, transactional before bulk.
 * `walk` jumps from tenant to tenant through the index of ready rows, beginning behind the last one served, so a
 * backlog of a million rows costs one probe. `share` is a dynamic threshold (Choudhury & Hahne 1998): a tenant may hold
 * as much as is still free, so a single tenant uses half of the depth, N get 1/(N+1) each, and a newcomer always finds room.
 * Bulk claims of a tenant do not count against its transactional mail, which finds room like a newcomer. Bulk takes what both together
 * may hold, and at least an eighth of what is free.
 * 'between' keeps Postgres off the primary key: with '=' the order would be that of message ids, and a walk over the rows of all tenants.
 * Messages with a lost worker are left to `claimSuspects`.
 */
const TEXT = `
with recursive held as materialized (
  select tenant_id, count(*)::int4 as n, (count(*) filter (where is_bulk))::int4 as bulk
  from outbox where phase = 'held' group by tenant_id
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
), held_of as materialized (
  select w.tenant_id, f.n as free, (select count(*) from walk) + 1 as parts,
         coalesce(h.n, 0) as n, coalesce(h.bulk, 0) as bulk, coalesce(h.n - h.bulk, 0) as transactional
  from walk w cross join free f left join held h using (tenant_id)
), share as materialized (
  select tenant_id, (free - n) / parts as n,
         greatest((free - transactional) / parts, case when transactional = 0 and free > 0 then 1 else 0 end) as transactional,
         greatest((free / ${BULK_TURN} - bulk) / parts, case when bulk = 0 and free > 0 then 1 else 0 end) as bulk
  from held_of
), transactional as materialized (
  select s.tenant_id, p.message_id from share s cross join lateral (
    select o.message_id from outbox o
    where o.tenant_id = s.tenant_id and o.is_bulk between false and false and o.phase = 'ready' and o.lost_workers = 0
    order by o.is_bulk, o.message_id limit s.transactional for update skip locked
  ) p
), bulk as materialized (
  select p.message_id
  from share s
  left join (select tenant_id, count(*) as n from transactional group by tenant_id) t using (tenant_id)
  cross join lateral (
    select o.message_id from outbox o
    where o.tenant_id = s.tenant_id and o.is_bulk between true and true and o.phase = 'ready' and o.lost_workers = 0
    order by o.is_bulk, o.message_id limit greatest(s.bulk, s.n - coalesce(t.n, 0)) for update skip locked
  ) p
), claimed as (
  update outbox o
  set state = 'claimed', epoch = nextval('claim_epoch'), lease_until = now() + $4::int4 * interval '1 ms'
  where o.message_id = any (array(select message_id from transactional union all select message_id from bulk))
  returning o.message_id, o.tenant_id, o.epoch, o.content_bytes, o.is_bulk
)
select ${claimColumns('c')}, f.n as free,
       (select tenant_id from walk where step = $3::int4) as cursor
from free f left join claimed c on true
order by row_number() over (partition by c.tenant_id order by c.is_bulk, c.message_id), c.tenant_id`

/** `depth`: the maximum of held claims; `leaseMs`: how long a claim lasts before the sweeper takes it back. */
export async function claimMessages(
  db: Queryable,
  options: { depth: number; afterTenant: string; tenantsMax: number; leaseMs: number },
): Promise<ClaimResult> {
  const { rows } = await db.query<(Claim | { messageId: null }) & Omit<ClaimResult, 'claims'>>({
    name: 'claim-messages',
    text: TEXT,
    values: [options.depth, options.afterTenant, options.tenantsMax, options.leaseMs],
  })
  const claims = rows.flatMap(({ free, cursor, ...claim }) => (claim.messageId === null ? [] : claim))
  return { claims, free: rows[0]?.free ?? 0, cursor: rows[0]?.cursor ?? null }
}
