import type { Queryable } from '@lettergate/db/pool'

/** A moment as Postgres saw it: the transactions that were visible, and `feed_base()` and the time of day by then. */
export type FeedMoment = { snapshot: string; base: number; atMs: number }

export type FeedFilter = {
  mode: string
  /** Numbers of event types; null: all. */
  types: readonly number[] | null
  connectionId: string | null
  messageId: string | null
}

/** One read: what became visible after `from`, until `to` (null: now), behind the row that was reached. */
export type FeedWindow = { from: FeedMoment; to: FeedMoment | null; reached: [pos: number, seq: number] }

/** All that became visible after the moment. */
export function windowFrom(from: FeedMoment): FeedWindow {
  return { from, to: null, reached: [0, 0] }
}

export type FeedRow = {
  pos: number
  seq: number
  /** Null: an event of the account. */
  messageId: string | null
  connectionId: string | null
  type: number
  isBulk: boolean
}

export type FeedPage = {
  to: FeedMoment
  rows: FeedRow[]
  /** The row at which the page ended, because as many were looked at as may be; null: it ended for another reason. */
  scannedTo: [pos: number, seq: number] | null
}

/** Rows that a filter looks at for one page: the rest is for the next page, so that no page costs more than this. */
const SCANNED_MAX = 5_000

/** Reading starts this long before the moment, since a transaction may have written long before it ended. */
export const OLDEST_WRITER = "interval '1 hour'"

const MATCHES = `f.tenant_id = $1 and f.mode = $2
      and f.at >= to_timestamp($7::float8 / 1000) - ${OLDEST_WRITER}
      and (f.pos, f.seq) > ((select reached_pos from t), (select reached_seq from t))`

const FILTER = `($9::int2[] is null or f.type = any ($9)) and ($10::uuid is null or f.connection_id = $10)
      and ($14::uuid is null or f.message_id = $14)`

const VISIBLE = `f.pos < (select pg_snapshot_xmax(s)::text::bigint from t) + feed_base()
      and (f.pos < feed_base() or pg_visible_in_snapshot((f.pos - feed_base())::text::xid8, (select s from t)))`

/**
 * 1. `later`: transactions that began after the snapshot `from`. `open`: those that were under way in it, each by its own look-up, so that
 *    a long one costs the others nothing.
 * 2. The limit stands in both: after the union, each page would sort all that is left.
 * 3. The filter comes after the limit of what is looked at (`$11`).
 * 4. A window whose end is of before a restore (`$12`, its base) is read anew: rows may come twice, and none is missed.
 */
const TEXT = `
with t as materialized (
  select case when is_same and $4::text is not null then $4::pg_snapshot else pg_current_snapshot() end as s,
         case when is_same then $5::int8 else 0 end as reached_pos, case when is_same then $6::int8 else 0 end as reached_seq
  from (select coalesce($12::int8 = feed_base(), false) as is_same) b
), later as (
  select f.* from feed f
  where ${MATCHES}
    and f.pos >= pg_snapshot_xmax($3::pg_snapshot)::text::bigint + $8
    and ${VISIBLE}
  order by f.pos, f.seq limit $11
), open as (
  select f.* from pg_snapshot_xip($3::pg_snapshot) as x (xid)
  cross join lateral (
    select f.* from feed f
    where ${MATCHES}
      and f.pos = x.xid::text::bigint + $8
      and ${VISIBLE}
    order by f.pos, f.seq limit $11
  ) f
), scanned as materialized (
  select * from later union all select * from open order by pos, seq limit $11
), full_scan as (
  select pos, seq from scanned order by pos, seq offset $11::int8 - 1
)
select t.s::text as snapshot, feed_base() as base, extract(epoch from now())::float8 * 1000 as "atMs",
       (select pos from full_scan) as "scannedPos", (select seq from full_scan) as "scannedSeq",
       u.pos, u.seq, u.message_id as "messageId", u.connection_id as "connectionId", u.type, u.is_bulk as "isBulk"
from t left join (select * from scanned f where ${FILTER} order by pos, seq limit $13) u on true
order by u.pos, u.seq`

type Scanned = { scannedPos: number | null; scannedSeq: number | null }

/** A page of the feed; the snapshot that bounds it is that of the statement itself, so nothing lies between the two. */
export async function readFeedPage(
  db: Queryable,
  tenantId: string,
  filter: FeedFilter,
  { from, to, reached }: FeedWindow,
  limit: number,
): Promise<FeedPage> {
  const hasFilter = filter.types !== null || filter.connectionId !== null || filter.messageId !== null
  const { rows } = await db.query<FeedMoment & Scanned & (FeedRow | { pos: null })>({
    name: 'read-feed',
    text: TEXT,
    values: [
      tenantId,
      filter.mode,
      from.snapshot,
      to?.snapshot ?? null,
      ...reached,
      from.atMs,
      from.base,
      filter.types,
      filter.connectionId,
      hasFilter ? Math.max(SCANNED_MAX, limit) : limit,
      to?.base ?? null,
      limit,
      filter.messageId,
    ],
  })
  const [first] = rows
  if (!first) throw new Error('the feed answered no snapshot')
  const now = { snapshot: first.snapshot, base: first.base, atMs: first.atMs }
  return {
    to: to?.snapshot === now.snapshot ? to : now,
    rows: rows
      .filter((row) => row.pos !== null)
      .map(({ snapshot, base, atMs, scannedPos, scannedSeq, ...row }) => row),
    scannedTo:
      first.scannedPos === null || first.scannedSeq === null ? null : [first.scannedPos, first.scannedSeq],
  }
}

/** The moment of this statement, for a reader that starts with what comes. */
export async function readFeedMoment(db: Queryable): Promise<FeedMoment> {
  const { rows } = await db.query<FeedMoment>({
    name: 'read-feed-moment',
    text: `select pg_current_snapshot()::text as snapshot, feed_base() as base, extract(epoch from now())::float8 * 1000 as "atMs"`,
  })
  const [moment] = rows
  if (!moment) throw new Error('the database answered no snapshot')
  return moment
}
