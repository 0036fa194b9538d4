import { appendAcceptances } from '../../lib/index.ts'
import { suppressionOf } from '../../suppressions/index.ts'
import { fitsInto, usageColumns } from '../../usage/index.ts'
import { MESSAGE_BATCH, WRITTEN_MESSAGES } from './message-batch.ts'

/**
 * Decides the usual case: no recipient is suppressed, and all that its tenant asks for fits into every counter. Other requests have a null
 * verdict and leave no trace: `everyCase` decides them. In order:
 * `room` locks the usage rows of the tenants concerned and compares what is left with the sums of what they ask;
 * `asked` has the first verdicts, and `claimed` takes idempotency keys;
 * what got both is written, and exactly that much is added to usage. Locks are taken in key order: no deadlock.
 */
export const usualCase = (extra = ''): string => `
with unit as materialized (
  select * from unnest($1::accept_unit_3[])
), room as materialized (
  select tenant_id, mode, g, (g).day, (select connections_version from tenant where id = l.tenant_id) as connections_version,
         ${fitsInto('g')} as fits
  from (
    select tenant_id, mode, n, pool_n, bytes, lock_usage_day(tenant_id, mode) as g
    from (
      select tenant_id, mode, sum(n) as n, sum(pool_n) as pool_n, sum(bytes) as bytes from unit group by 1, 2 order by 1, 2
    ) s
  ) l
), suppressed as materialized (
  select unit
  from unnest($3::accept_recipient_2[]) r
  join unit u using (unit)
  where ${suppressionOf({ tenantId: 'u.tenant_id', mode: 'u.mode', address: 'r.address', stream: 'r.stream' })} is not null
), asked as materialized (
  select u.*, r.day, r.connections_version as version_now,
         case when r.day is null then 'no-day' when u.connections_version <> r.connections_version then 'stale'
              when r.fits and u.unit <> all (array(select unit from suppressed)) then 'go' end as verdict
  from unit u
  join room r using (tenant_id, mode)
), claimed as (
  insert into idempotency (tenant_id, key_hash, body_hash, request_id, answer)
  select tenant_id, key_hash, body_hash, request_id, answer from asked where verdict = 'go' and key_hash is not null
  order by tenant_id, key_hash
  on conflict do nothing
  returning request_id
), admitted as materialized (
  select * from asked
  where verdict = 'go' and (key_hash is null or request_id in (select request_id from claimed))
), spent as materialized (
  select tenant_id, mode, add_usage_day(tenant_id, day, mode, n, pool_n, bytes) as g
  from (
    select tenant_id, mode, day, sum(n)::int4 as n, sum(pool_n)::int4 as pool_n, sum(bytes)::int8 as bytes from admitted group by 1, 2, 3
  ) s
), used as materialized (
  select r.tenant_id, r.mode, ${usageColumns('coalesce(s.g, r.g)')}
  from room r
  left join spent s using (tenant_id, mode)
), incoming as materialized (
  select a.tenant_id, a.mode, a.day, m.*, m.recipient_count as n, m.send_at is not null and m.send_at > now() as is_later,
         case when m.pool = 'no' then 'own' else 'pool' end as way
  from ${MESSAGE_BATCH} m
  join admitted a using (unit)
), ${WRITTEN_MESSAGES}
), written_recipient as (
  insert into recipient (tenant_id, message_id, position, kind, address, name, status)
  select i.tenant_id, i.id, r.position, r.kind, r.address, r.name, case when i.is_later then 'scheduled' else 'queued' end
  from unnest($3::accept_recipient_2[]) r
  join incoming i on i.id = r.message_id
), written_outbox as (
  insert into outbox (message_id, tenant_id, mode, state, due_at, first_due_at, content_bytes, accepted_at, is_bulk)
  select id, tenant_id, mode, case when is_later then 'waiting' else 'ready' end, greatest(send_at, now()), greatest(send_at, now()),
         content_bytes, now(), stream = 'bulk'
  from incoming
), ${appendAcceptances(`select tenant_id, id as message_id, mode, stream = 'bulk' as is_bulk from incoming order by id`)}${extra}
select u.unit, u.n as counted, null as suppressed, null as held, u.version_now as "connectionsVersion", now() as now,
       case when u.verdict = 'go' and u.key_hash is not null and u.request_id <> all (array(select request_id from claimed)) then 'key'
            else u.verdict end as verdict, g.*
from asked u
join used g on g.tenant_id = u.tenant_id and g.mode = u.mode
order by u.unit`
