import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'

export type InboundKind = 'route' | 'bounce' | 'reply'

/** One mail for one recipient. */
export type InboundRow = {
  tenantId: string
  id: string
  mode: string
  kind: InboundKind
  routeId: string | null
  aboutId: string | null
  aboutPosition: number | null
  rawId: string
  rawHash: Buffer
  sender: string
  recipient: string
  remoteAddress: string
  helo: string
  isTls: boolean
  bytes: number
}
export type RawRow = { tenantId: string; id: string; raw: Buffer }

const rowsOf = rowArray<InboundRow>('inbound_row', [
  column('uuid', (row) => row.tenantId),
  column('uuid', (row) => row.id),
  column('text', (row) => row.mode),
  column('text', (row) => row.kind),
  column('uuid', (row) => row.routeId),
  column('uuid', (row) => row.aboutId),
  column('int2', (row) => row.aboutPosition),
  column('uuid', (row) => row.rawId),
  column('bytea', (row) => row.rawHash),
  column('text', (row) => row.sender),
  column('text', (row) => row.recipient),
  column('text', (row) => row.remoteAddress),
  column('text', (row) => row.helo),
  column('int2', (row) => (row.isTls ? 1 : 0)),
  column('int4', (row) => row.bytes),
])
const rawsOf = rowArray<RawRow>('inbound_raw_row', [
  column('uuid', (row) => row.tenantId),
  column('uuid', (row) => row.id),
  column('bytea', (row) => row.raw),
])

/** A mail that its recipient has received within a day is stored no second time; the keys are taken in one order, so that two statements take turns. */
const TEXT = `
with given as materialized (
  select * from unnest($1::inbound_row[])
), seen as (
  insert into inbound_seen (tenant_id, recipient, raw_hash)
  select distinct tenant_id, recipient, raw_hash from given order by 1, 2, 3
  on conflict do nothing
  returning tenant_id, recipient, raw_hash
), fresh as materialized (
  select distinct on (g.tenant_id, g.recipient, g.raw_hash) g.* from given g join seen s using (tenant_id, recipient, raw_hash)
  order by g.tenant_id, g.recipient, g.raw_hash, g.id
), raws as (
  insert into inbound_raw (tenant_id, id, raw)
  select r.tenant_id, r.id, r.raw from unnest($2::inbound_raw_row[]) r
  where exists (select from fresh f where f.tenant_id = r.tenant_id and f.raw_id = r.id)
), written as (
  insert into inbound_message (tenant_id, id, mode, kind, route_id, about_id, about_position, raw_id, sender, recipient, remote_address, helo,
                               is_tls, bytes)
  select tenant_id, id, mode, kind, route_id, about_id, about_position, raw_id, sender, recipient, remote_address, helo, is_tls = 1, bytes
  from fresh
), due as (
  insert into inbound_due (id, tenant_id, bytes) select id, tenant_id, bytes from fresh
)
select id from fresh`

/** Stores mails of any tenants with the work that they are, in one statement; answers the ids of those that are no repeats. */
export async function insertInbound(
  db: Queryable,
  rows: readonly InboundRow[],
  raws: readonly RawRow[],
): Promise<ReadonlySet<string>> {
  const found = await db.query<{ id: string }>({
    name: 'accept-inbound',
    text: TEXT,
    values: [await rowsOf(db, rows), await rawsOf(db, raws)],
  })
  return new Set(found.rows.map(({ id }) => id))
}
