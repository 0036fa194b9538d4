import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import type { ReportedLimits } from './store-account-limits.ts'

/** Changes of a connection at one worker since its last report. */
export type HealthReport = {
  tenantId: string
  connectionId: string
  /** Growth of the concurrency. */
  grow: number
  /** Whether to halve the concurrency: the provider asked to slow down, or did not answer. */
  halve: boolean
  concurrencyMax: number
  pauseMs: number | null
  pauseReason: string | null
  /** Recipients reserved of the daily limit and not sent. */
  unused: number
  /** The share of a limited concurrency that is kept, and the share wanted; null: no limit. */
  calls: { keeps: number; wants: number } | null
}

/** A worker's share of a limited concurrency; the sum of all shares never exceeds the limit. */
export type CallShare = {
  share: number
  /** The share if all workers with demand took theirs. */
  fair: number
  /** The most to keep: other workers wait for the rest. */
  most: number
  areOthersShort: boolean
}

/** Health of a connection, shared by all workers; times are from now. */
export type Health = {
  connectionId: string
  state: 'closed' | 'open' | 'half-open'
  retryInMs: number
  probeForMs: number
  pausedForMs: number
  concurrency: number
  workers: number
  reported: ReportedLimits | null
  /** Since the limits were last polled; null: never. */
  askedMsAgo: number | null
}

const reportArray = rowArray<HealthReport>('health_report', [
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
  h.connection_id as "connectionId", h.state, h.concurrency, h.reported_limits as reported,
  greatest(0, coalesce(extract(epoch from h.retry_at - now()) * 1000, 0))::float8 as "retryInMs",
  greatest(0, coalesce(extract(epoch from h.probe_until - now()) * 1000, 0))::float8 as "probeForMs",
  greatest(0, coalesce(extract(epoch from h.paused_until - now()) * 1000, 0))::float8 as "pausedForMs",
  (select count(*) from jsonb_object_keys(h.workers))::int4 as workers,
  (extract(epoch from now() - h.asked_at) * 1000)::float8 as "askedMsAgo"`

/**
 * Writes a worker's changes and reads the shared state, in one round trip. `leaseMs`: how long a silent worker keeps its share of a
 * limited concurrency.
 */
export async function syncHealth(
  db: Queryable,
  worker: string,
  reports: HealthReport[],
  leaseMs: number,
): Promise<(Health & { calls: CallShare | null })[]> {
  // Sorted, so that two concurrent statements lock in the same order.
  const sorted = [...reports].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
  const { rows } = await db.query<Health & { calls: CallShare | null }>({
    name: 'sync-health',
    text: `
      with synced as materialized (
        select h.*, r.pause_ms, s.share, s.fair, s.most, s.are_others_short, s.is_short
        from unnest($1::health_report[]) r
        cross join lateral sync_health(r, $2) h
        cross join lateral take_share(
          h.tenant_id, h.connection_id, $2, r.keeps, r.wants, floor(h.concurrency)::int4, $3::float8) s
      ), notified as materialized (
        select pg_notify('lg_connection', ids)
        from (select string_agg(connection_id::text, ',') as ids from synced where pause_ms is not null or is_short) n
        where ids is not null
      )
      select ${HEALTH_COLUMNS},
             case when h.share is not null then json_build_object(
               'share', h.share, 'fair', h.fair, 'most', h.most, 'areOthersShort', h.are_others_short) end as calls
      from synced h left join notified on true`,
    values: [await reportArray(db, sorted), worker, leaseMs],
  })
  return rows
}
