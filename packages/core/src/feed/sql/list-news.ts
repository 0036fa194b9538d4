import type { Queryable } from '@lettergate/db/pool'
import { type FeedMoment, OLDEST_WRITER } from './read-feed.ts'

export type FeedOwner = { tenantId: string; mode: string }

/**
 * Of these tenants, those of whose events some became visible since the moment, and the moment of this statement. `ended`: the
 * transactions that were under way at the moment and are not any more. A look-up of the index for each tenant costs the same however
 * much the others write.
 */
export async function listNews(
  db: Queryable,
  owners: readonly FeedOwner[],
  since: FeedMoment,
): Promise<{ now: FeedMoment; owners: FeedOwner[] }> {
  const { rows } = await db.query<FeedMoment & (FeedOwner | { tenantId: null })>({
    name: 'list-feed-news',
    text: `
      with t as materialized (
        select pg_current_snapshot() as s
      ), ended as materialized (
        select x.xid::text::bigint + $4 as pos from pg_snapshot_xip($3::pg_snapshot) as x (xid), t
        where pg_visible_in_snapshot(x.xid, t.s)
      ), news as (
        select k.tenant_id, k.mode from unnest($1::uuid[], $2::text[]) as k (tenant_id, mode)
        cross join lateral (
          (select from feed f
           where f.tenant_id = k.tenant_id and f.mode = k.mode
             and f.at >= to_timestamp($5::float8 / 1000) - ${OLDEST_WRITER}
             and f.pos >= pg_snapshot_xmax($3::pg_snapshot)::text::bigint + $4
           limit 1)
          union all
          (select from ended e
           cross join lateral (
             select from feed f
             where f.tenant_id = k.tenant_id and f.mode = k.mode
               and f.at >= to_timestamp($5::float8 / 1000) - ${OLDEST_WRITER}
               and f.pos = e.pos
             limit 1
           ) f
           limit 1)
          limit 1
        ) f
      )
      select t.s::text as snapshot, feed_base() as base, extract(epoch from now())::float8 * 1000 as "atMs",
             n.tenant_id as "tenantId", n.mode
      from t left join news n on true`,
    values: [
      owners.map(({ tenantId }) => tenantId),
      owners.map(({ mode }) => mode),
      since.snapshot,
      since.base,
      since.atMs,
    ],
  })
  const [first] = rows
  if (!first) throw new Error('the feed answered no snapshot')
  return {
    now: { snapshot: first.snapshot, base: first.base, atMs: first.atMs },
    owners: rows.flatMap((row) =>
      row.tenantId === null ? [] : [{ tenantId: row.tenantId, mode: row.mode }],
    ),
  }
}
