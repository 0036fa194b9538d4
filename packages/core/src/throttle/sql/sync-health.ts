import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import type { ReportedLimits } from './store-account-limits.ts'

/** What one worker has seen of a connection since its last report. */
export type HealthReport = {
  tenantId: string
  connectionId: string
  /** How much more it bears, in calls at once. */
  grow: number
  /** Whether it was asked to slow down, or did not answer. */
  halve: boolean
  concurrencyMax: number
  pauseMs: number | null
  pauseReason: string | null
  /** Recipients that were reserved of the day and not handed over. */
  unused: number
  /** Of calls at once, where they are limited: what it goes on making use of, and what it has use for; null: they are not. */
  calls: { keeps: number; wants: number } | null
}

/** A worker's part of the calls at once of a connection, of which all parts together are never more than its limit. */
export type CallShare = {
  share: number
  /** What it would have if all workers that have use for some took theirs. */
  fair: number
  /** What it is to renewLease at most: others wait for the rest. */
  most: number
  areOthersShort: boolean
}

/** What is true of a connection, for all workers; times are from now. */
export type Health = {
  connectionId: string
  state: 'closed' | 'open' | 'half-open'
  retryInMs: number
  probeForMs: number
  pausedForMs: number
  concurrency: number
  workers: number
  told: ReportedLimits | null
  /** Since its provider was last asked what it may send; null: never. */
  askedMsAgo: number | null
}

const reportArray = rowArray<HealthReport>('pace_report_2', [
  column('uuid', (report) => report.tenantId),
  column('uuid', (report) => report.connectionId),
  column('float8', (report) => report.grow),
  column('int4', (report) => (report.halve ? 1 : 0)),
  column('float8', (report) => report.concurrencyMax),
  column('float8', (report) => report.pauseMs),
  column('text', (report) => report.pauseReason),
  column('int4', (report) => report.unused),
  column('int4', (report) => report.calls?.keeps),
  column('int4', (report) => report.calls?.wants),
])

/** The columns of a Health, of a row `h`. */
export const HEALTH_COLUMNS = `
  h.connection_id as "connectionId", h.state, h.concurrency, h.told,
  greatest(0, coalesce(extract(epoch from h.retry_at - now()) * 1000, 0))::float8 as "retryInMs",
  greatest(0, coalesce(extract(epoch from h.probe_until - now()) * 1000, 0))::float8 as "probeForMs",
  greatest(0, coalesce(extract(epoch from h.paused_until - now()) * 1000, 0))::float8 as "pausedForMs",
  (select count(*) from jsonb_object_keys(h.workers))::int4 as workers,
  (extract(epoch from now() - h.asked_at) * 1000)::float8 as "askedMsAgo"`

/**
 * Tells all other workers of a worker's connections, and the worker of theirs, in one round trip. `leaseMs`: for how long a worker that is
 * not heard of keeps its part of the calls at once.
 */
export async function syncHealth(
  db: Queryable,
  worker: string,
  reports: HealthReport[],
  leaseMs: number,
): Promise<(Health & { calls: CallShare | null })[]> {
  // In one order, so that two statements that meet take turns instead of waiting for each other.
  const sorted = [...reports].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
  const { rows } = await db.query<Health & { calls: CallShare | null }>({
    name: 'throttle-sync',
    text: `
      with synced as materialized (
        select h.*, r.pause_ms, s.share, s.fair, s.most, s.are_others_short, s.is_short
        from unnest($1::pace_report_2[]) r
        cross join lateral sync_pace(
          (r.tenant_id, r.connection_id, r.grow, r.halve, r.concurrency_max, r.pause_ms, r.pause_reason, r.unused)::pace_report, $2) h
        cross join lateral take_share(
          h.tenant_id, h.connection_id, $2, r.keeps, r.wants, floor(h.concurrency)::int4, $3::float8) s
      ), hint as materialized (
        select pg_notify('lg_connection', ids)
        from (select string_agg(connection_id::text, ',') as ids from synced where pause_ms is not null or is_short) n
        where ids is not null
      )
      select ${HEALTH_COLUMNS},
             case when h.share is not null then json_build_object(
               'share', h.share, 'fair', h.fair, 'most', h.most, 'areOthersShort', h.are_others_short) end as calls
      from synced h left join hint on true`,
    values: [await reportArray(db, sorted), worker, leaseMs],
  })
  return rows
}
