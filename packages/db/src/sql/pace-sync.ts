import type { Queryable } from '../pool.ts'
import { column, rowArray } from '../rows.ts'
import type { Told } from './pace-told.ts'

/** What one worker has seen of a connection since its last report. */
export type PaceReport = {
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
  told: Told | null
  /** Since its provider was last asked what it may send; null: never. */
  askedMsAgo: number | null
}

const reportArray = rowArray<PaceReport>('pace_report', [
  column('uuid', (report) => report.tenantId),
  column('uuid', (report) => report.connectionId),
  column('float8', (report) => report.grow),
  column('int4', (report) => (report.halve ? 1 : 0)),
  column('float8', (report) => report.concurrencyMax),
  column('float8', (report) => report.pauseMs),
  column('text', (report) => report.pauseReason),
  column('int4', (report) => report.unused),
])

/** The columns of a Health, of a row `h`. */
export const HEALTH_COLUMNS = `
  h.connection_id as "connectionId", h.state, h.concurrency, h.told,
  greatest(0, coalesce(extract(epoch from h.retry_at - now()) * 1000, 0))::float8 as "retryInMs",
  greatest(0, coalesce(extract(epoch from h.probe_until - now()) * 1000, 0))::float8 as "probeForMs",
  greatest(0, coalesce(extract(epoch from h.paused_until - now()) * 1000, 0))::float8 as "pausedForMs",
  (select count(*) from jsonb_object_keys(h.workers))::int4 as workers,
  (extract(epoch from now() - h.asked_at) * 1000)::float8 as "askedMsAgo"`

/** Tells all other workers of a worker's connections, and the worker of theirs, in one round trip. */
export async function syncPace(db: Queryable, worker: string, reports: PaceReport[]): Promise<Health[]> {
  // In one order, so that two statements that meet take turns instead of waiting for each other.
  const sorted = [...reports].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
  const { rows } = await db.query<Health>({
    name: 'pace-sync',
    text: `
      with synced as materialized (
        select h.*, r.pause_ms from unnest($1::pace_report[]) r cross join lateral sync_pace(r, $2) h
      ), hint as materialized (
        select pg_notify('lg_connection', ids)
        from (select string_agg(connection_id::text, ',') as ids from synced where pause_ms is not null) n
        where ids is not null
      )
      select ${HEALTH_COLUMNS} from synced h left join hint on true`,
    values: [await reportArray(db, sorted), worker],
  })
  return rows
}
