import { appendAcceptances, appendEvents, NO_POOL_SHARE } from '../../lib/index.ts'
import { suppressedBecause, suppressionOf } from '../../suppressions/index.ts'
import { fitsInto, restsOf, usageColumns } from '../../usage/index.ts'
import { MESSAGE_BATCH, WRITTEN_MESSAGES } from './message-batch.ts'

/**
 * Decides every case, also where a counter has too little room or a recipient is suppressed. In order:
 * `addressed` looks every recipient up in the suppression lists, before anything is counted; `left_out` has the messages with suppressed
 * ones;
 * `locked` locks the usage rows of the tenants concerned, and `room` has their rows;
 * `total` is what each tenant asks for: nearly always there is room for all of it. Where there is not, `short` gives out what is left, the
 * smallest requests first, so that a refused one is always larger than what is left (nothing is refused while room remains);
 * `claimed` takes idempotency keys;
 * what got both is written, and exactly that much is added to usage. Locks are taken in key order: no deadlock.
 */
export const everyCase = (extra = ''): string => `
with unit as materialized (
  select * from unnest($1::accept_unit_3[])
), addressed as materialized (
  select r.*, ${suppressionOf({ tenantId: 'u.tenant_id', mode: 'u.mode', address: 'r.address', stream: 'r.stream' })} as suppressed
  from unnest($3::accept_recipient_2[]) r
  join unit u using (unit)
), left_out as materialized (
  select unit, message_id, count(suppressed)::int4 as n, bool_and(suppressed is not null) as is_whole
  from addressed group by unit, message_id having count(suppressed) > 0
), named as materialized (
  select unit, json_agg(json_build_array(message_id, position) order by message_id, position) as list
  from addressed where suppressed is not null group by unit
), ask as materialized (
  select m.unit, m.id, m.pool, m.overflow, m.content_bytes, m.recipient_count - coalesce(d.n, 0) as n
  from ${MESSAGE_BATCH} m left join left_out d on d.message_id = m.id
), locked as materialized (
  select tenant_id, mode, lock_usage_day(tenant_id, mode) as g
  from (select distinct tenant_id, mode from unit order by tenant_id, mode) w
), room as materialized (
  select l.tenant_id, l.mode, (l.g).day, l.g, t.connections_version
  from locked l
  cross join lateral (select connections_version from tenant where id = l.tenant_id limit 1) t
  where (l.g).day is not null
), weighed as materialized (
  select u.unit, u.tenant_id, u.mode, u.request_id, u.key_hash, u.body_hash, d.list, s.*, u.connections_version as judged_by,
         coalesce(u.connections_version = r.connections_version, true) as is_fresh,
         case when d.list is null then u.answer else (left(u.answer::text, -1) || ',"suppressed":' || d.list || '}')::json end as answer
  from unit u
  join (
    select unit as of_unit, sum(n) as n, coalesce(sum(n) filter (where pool <> 'no'), 0) as pool_n, sum(content_bytes) as bytes,
           coalesce(sum(n) filter (where pool = 'must' and overflow is distinct from 'hold'), 0) as must
    from ask group by unit
  ) s on s.of_unit = u.unit
  left join room r using (tenant_id, mode)
  left join named d using (unit)
), total as materialized (
  select r.*, ${fitsInto('r.g')} as fits_all
  from room r
  join (
    select tenant_id, mode, sum(n) as n, sum(pool_n) as pool_n, sum(bytes) as bytes from weighed where is_fresh group by 1, 2
  ) w using (tenant_id, mode)
), short as materialized (
  select j.unit, j.message_id, j.verdict
  from total t cross join lateral admit_units(
    (select array_agg(row(k.unit, k.id, k.n, k.pool, k.overflow, w.n, w.bytes, w.must)::admit_ask
                      order by w.n, k.unit, k.overflow is not distinct from 'hold', k.n, k.id)
     from ask k join weighed w using (unit) where w.tenant_id = t.tenant_id and w.mode = t.mode and w.is_fresh),
    ${restsOf('t.g')}) j
  where not t.fits_all
), judged as materialized (
  select unit, min(case verdict when 'no-pool' then 'pool' else verdict end) filter (where verdict not in ('own', 'pool', 'hold')) as refused_by,
         json_agg(message_id order by message_id) filter (where verdict = 'hold') as held
  from short group by unit
), fits as materialized (
  select w.*, t.day, t.fits_all, j.held,
         case when j.held is null then w.answer else (left(w.answer::text, -1) || ',"held":' || j.held || '}')::json end as whole_answer
  from weighed w
  join total t using (tenant_id, mode)
  left join judged j using (unit)
  where w.is_fresh and j.refused_by is null
), claimed as (
  insert into idempotency (tenant_id, key_hash, body_hash, request_id, answer)
  select tenant_id, key_hash, body_hash, request_id, whole_answer from fits where key_hash is not null
  order by tenant_id, key_hash
  on conflict do nothing
  returning request_id
), admitted as materialized (
  select f.* from fits f
  where f.key_hash is null or f.request_id in (select request_id from claimed)
), incoming as materialized (
  select a.tenant_id, a.mode, a.day, a.judged_by, m.*, m.recipient_count - coalesce(d.n, 0) as n, d.is_whole, d.n is not null as is_part,
         m.send_at is not null and m.send_at > now() as is_later,
         case when m.pool = 'no' then 'own' when a.fits_all then 'pool' else s.verdict end as way
  from ${MESSAGE_BATCH} m
  join admitted a using (unit)
  left join left_out d on d.message_id = m.id
  left join short s on s.message_id = m.id
), spent as materialized (
  select tenant_id, mode, add_usage_day(tenant_id, day, mode, n, pool, bytes) as g
  from (
    select tenant_id, mode, day, sum(n)::int4 as n, coalesce(sum(n) filter (where way = 'pool'), 0)::int4 as pool,
           sum(content_bytes)::int8 as bytes
    from incoming group by 1, 2, 3
  ) s
), ${WRITTEN_MESSAGES}
), written_recipient as (
  insert into recipient (tenant_id, message_id, position, kind, address, name, status, reason)
  select i.tenant_id, i.id, r.position, r.kind, r.address, r.name,
         case when r.suppressed is not null then 'suppressed' when i.is_later then 'scheduled' when i.way = 'hold' then 'held'
              else 'queued' end,
         case when r.suppressed is null and i.way = 'hold' and not i.is_later then '${NO_POOL_SHARE}'
              else ${suppressedBecause('r.suppressed')} end
  from addressed r
  join incoming i on i.id = r.message_id
), written_outbox as (
  insert into outbox (message_id, tenant_id, mode, state, due_at, first_due_at, content_bytes, accepted_at, is_bulk, wait_version)
  select id, tenant_id, mode, case when is_later or way = 'hold' then 'waiting' else 'ready' end,
         case when way = 'hold' and not is_later
              then (day + 1)::timestamp at time zone 'utc' + random() * interval '1 minute' else greatest(send_at, now()) end,
         greatest(send_at, now()), content_bytes,
         case when not is_part and way <> 'hold' then now() end, stream = 'bulk',
         case when way = 'hold' and not is_later then judged_by end
  from incoming where is_whole is not true
), ${appendAcceptances(`select tenant_id, id as message_id, mode, stream = 'bulk' as is_bulk from incoming order by id`)}, ${appendEvents(`
  select i.tenant_id, i.id as message_id, r.position,
         case when r.suppressed is null then 'recipient.held' else 'recipient.suppressed' end as type,
         json_build_object('reason', case when r.suppressed is null then '${NO_POOL_SHARE}' else ${suppressedBecause('r.suppressed')} end) as data,
         i.mode, i.stream = 'bulk' as is_bulk, null::uuid as connection_id
  from addressed r join incoming i on i.id = r.message_id join accepted_feed a on a.message_id = i.id
  where r.suppressed is not null or i.way = 'hold' and not i.is_later
  order by i.id, r.position`)}${extra}
select u.unit, u.n::int4 as counted, u.list as suppressed, a.held, r.connections_version as "connectionsVersion", now() as now,
       case when a.unit is not null then 'go' when r.day is null then 'no-day' when not u.is_fresh then 'stale'
            else coalesce(j.refused_by, 'key') end as verdict,
       ${usageColumns('coalesce(s.g, r.g)')}
from weighed u
left join admitted a using (unit)
left join judged j using (unit)
left join room r on r.tenant_id = u.tenant_id and r.mode = u.mode
left join spent s on s.tenant_id = u.tenant_id and s.mode = u.mode
order by u.unit`
