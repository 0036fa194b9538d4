/** A message that as many workers were lost over is set aside. */
export const LOST_WORKERS_MAX = 3

/** The reason of an attempt whose worker was lost. */
export const WORKER_LOST = 'the worker was lost during the hand-off'

/** Shown to the tenant. */
export const SET_ASIDE_REASON =
  'set aside: three times the process that handed it over ended unexpectedly. Retry it to have it tried once more, or cancel it'

/**
 * What follows in a statement after a list `lost` of (message_id, n): each message has lost `n` workers more. One that was claimed is ready
 * again; one that has lost too many is set aside, visibly, until its user decides or its 72 hours are over. The document of such a
 * message is not believed any more (`accepted_at`), since its recipients say otherwise. Needs `$1`: how many are too many, and `$2`: why.
 */
export const RAISE_LOST = `
raised as (
  update outbox o
  set lost_workers = o.lost_workers + l.n, lease_until = null,
      state = case when l.n > 0 and o.lost_workers + l.n >= $1::int4 then 'waiting'
                   when o.state = 'claimed' then 'ready' else o.state end,
      due_at = case when l.n > 0 and o.lost_workers + l.n >= $1::int4
                    then greatest(now() + interval '1 hour', o.first_due_at + interval '72 hours') else o.due_at end,
      accepted_at = case when l.n > 0 and o.lost_workers + l.n >= $1::int4 then null else o.accepted_at end,
      wait_version = case when l.n > 0 and o.lost_workers + l.n >= $1::int4 then null else o.wait_version end
  from lost l where o.message_id = l.message_id
  returning o.message_id, o.tenant_id, l.n, l.n > 0 and o.lost_workers >= $1::int4 as is_aside
), held as (
  update recipient r set status = 'held', reason = $2, updated_at = now()
  from raised a
  where a.is_aside and r.tenant_id = a.tenant_id and r.message_id = a.message_id
    and r.status in ('scheduled', 'queued', 'deferred', 'held')
  returning r.tenant_id, r.message_id, r.position
), written_event as (
  insert into event (tenant_id, message_id, position, type, data)
  select tenant_id, message_id, position, 'recipient.held', json_build_object('reason', $2) from held
)
select count(*)::int4 as released, (count(*) filter (where n > 0))::int4 as suspected,
       (count(*) filter (where is_aside))::int4 as aside,
       (select pg_notify('lg_message', string_agg(message_id::text, ',')) from raised where is_aside having count(*) > 0) as notified
from raised`

/** Messages whose worker was lost, of some that are free again. */
export type LostWorkers = {
  /** Messages looked at. */
  released: number
  /** Of these, one more worker was lost over them. */
  suspected: number
  /** Of these, set aside for good. */
  aside: number
}
