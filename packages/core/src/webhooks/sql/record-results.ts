import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import type { EndpointAnswer } from '../call-endpoint.ts'
import { FAILURES_BEFORE_PAUSE } from '../delivery-schedule.ts'
import { isOk } from '../make-call.ts'
import { DELIVERY_LEASE_MS } from './claim-deliveries.ts'

/** One attempt to bring an event to its target. */
export type WebhookResult = {
  tenantId: string
  mode: string
  endpointId: string | null
  /** Of a message's own URL; null: the endpoint's. */
  url: string | null
  target: string
  messageId: string | null
  seq: number
  /** Place of the type in the list of the contracts, from 1. */
  type: number
  connectionId: string | null
  isBulk: boolean
  /** Of the event's delivery, which this worker has by this epoch; null: any worker may claim it. */
  id: string
  epoch: number | null
  /** The attempt, from 1; without an answer, the attempts made before. */
  number: number
  /** Null: the call is under way, or not begun. */
  answer: EndpointAnswer | null
  /** Of a call with several events: the id of its first delivery, and the place of this event, from 0. */
  list: { id: string; place: number } | null
  /** Until the next attempt; null: there is none. */
  retryMs: number | null
}

const resultArray = rowArray<WebhookResult>('webhook_result_2', [
  column('uuid', (row) => row.tenantId),
  column('text', (row) => row.mode),
  column('uuid', (row) => row.endpointId),
  column('text', (row) => row.url),
  column('uuid', (row) => row.target),
  column('uuid', (row) => row.messageId),
  column('int8', (row) => row.seq),
  column('int2', (row) => row.type),
  column('int2', (row) => row.number),
  column('int2', (row) => row.answer?.status),
  column('int4', (row) => row.answer?.ms),
  column('text', (row) => row.answer?.error),
  column('text', (row) => row.answer?.answer),
  column('uuid', (row) => row.id),
  column('int8', (row) => row.epoch),
  column('float8', (row) => row.retryMs),
  column('int2', (row) => (row.answer && isOk(row.answer) ? 1 : 0)),
  column('uuid', (row) => row.connectionId),
  column('int2', (row) => (row.isBulk ? 1 : 0)),
  column('uuid', (row) => row.list?.id),
  column('int2', (row) => row.list?.place),
])

const TRIED = `
  insert into delivery_try (tenant_id, mode, endpoint_id, message_id, seq, type, number, status, ms, error, answer)
  select tenant_id, mode, endpoint_id, message_id, seq, type, number, status, ms, error, answer from result where number > 0`

/** How the calls of a page went, for the endpoint. */
export type PageHealth = {
  hasSuccess: boolean
  /** Failures after the last success; all, if there was none. */
  failures: number
  pauseMs: number | null
}

/**
 * Records a page of a reader's events and moves its cursor, in one statement; false: another worker has taken over, and nothing is
 * written. Events without an answer, and those that failed, become deliveries.
 */
export async function recordPage(
  db: Queryable,
  lease: { id: string; epoch: number },
  cursor: string,
  { hasSuccess, failures, pauseMs }: PageHealth,
  results: readonly WebhookResult[],
): Promise<boolean> {
  const { rows } = await db.query<{ moved: boolean }>({
    name: 'record-webhook-page',
    text: `
      with moved as (
        update endpoint_state s
        set cursor = $3,
            failures = least(case when $4 then 0 else s.failures end + $5, 1000),
            failing_since = case when $5 = 0 and not $4 then s.failing_since when $5 = 0 then null
                                 when $4 then now() else coalesce(s.failing_since, now()) end,
            last_success_at = case when $4 then now() else s.last_success_at end,
            paused_until = greatest(case when not $4 then s.paused_until end, now() + $6::float8 * interval '1 ms')
        where s.id = $1 and s.epoch = $2
        returning s.id
      ), result as materialized (
        select r.* from unnest($7::webhook_result_2[]) r where exists (select from moved)
      ), tried as (${TRIED}), delivered as (
        insert into delivery (id, tenant_id, mode, endpoint_id, url, target, message_id, seq, type, connection_id, is_bulk, list_id, list_place,
                              due_at, attempts, epoch, state, lease_until)
        select delivery_id, tenant_id, mode, endpoint_id, url, target, message_id, seq, type, connection_id, is_bulk = 1, list_id, list_place,
               now() + coalesce(retry_ms, 0) * interval '1 ms', number, coalesce(epoch, 0),
               case when is_claimed then 'claimed' else 'waiting' end,
               case when is_claimed then now() + ${DELIVERY_LEASE_MS} * interval '1 ms' end
        from result, lateral (select number = 0 and epoch is not null and coalesce(list_place, 0) = 0 as is_claimed) c
        where retry_ms is not null or number = 0
      )
      select exists (select from moved) as moved`,
    values: [
      lease.id,
      lease.epoch,
      cursor,
      hasSuccess,
      failures,
      pauseMs,
      await resultArray(db, [...results]),
    ],
  })
  return rows[0]?.moved ?? false
}

/**
 * Records further attempts at one target: each has a row, which goes when it is done or has had its last attempt. A worker whose claims were
 * taken over only adds what it tried. `pauseMs`: how long the endpoint is left alone; null: it goes on. Failures say nothing of an endpoint
 * that had a success since their calls began, nor without `isCounted`.
 *
 * Row locks: the endpoint's, then deliveries by id, as in every statement that changes both or many.
 */
export async function recordRetries(
  db: Queryable,
  results: readonly WebhookResult[],
  pauseMs: number | null,
  isCounted = true,
): Promise<void> {
  const [first] = results
  if (!first) return
  await db.query({
    name: 'record-webhook-retries',
    text: `
      with result as materialized (
        select * from unnest($1::webhook_result_2[])
      ), tried as (${TRIED}), state as materialized (
        select id from endpoint_state where id = $4::uuid for update
      ), mine as materialized (
        select r.* from (select count(*) from state) locked, result r join delivery d on d.id = r.delivery_id and d.epoch = r.epoch
        order by d.id for update of d
      ), done as (
        delete from delivery d using mine r where d.id = r.delivery_id and r.retry_ms is null
      ), again as (
        update delivery d set state = 'waiting', due_at = now() + r.retry_ms * interval '1 ms', attempts = r.number, lease_until = null
        from mine r where d.id = r.delivery_id and r.retry_ms is not null
      ), health as materialized (
        select endpoint_id, bool_or(is_ok = 1) as has_success, max(now() - ms * interval '1 ms') as last_began,
               count(distinct coalesce(list_id, delivery_id)) filter (where is_ok = 0)::int4 as failures
        from mine where endpoint_id is not null group by 1
      )
      update endpoint_state s
      set failures = case when h.has_success then 0 else least(s.failures + h.failures, greatest(s.failures + 1, ${FAILURES_BEFORE_PAUSE}), 1000) end,
          failing_since = case when h.has_success then null else coalesce(s.failing_since, now()) end,
          last_success_at = case when h.has_success then now() else s.last_success_at end,
          paused_until = case when h.has_success then null else greatest(s.paused_until, now() + $2::float8 * interval '1 ms') end
      from health h
      where s.id = h.endpoint_id and (h.has_success or ($3 and coalesce(s.last_success_at < h.last_began, true)))`,
    values: [await resultArray(db, [...results]), pauseMs, isCounted, first.endpointId],
  })
}
