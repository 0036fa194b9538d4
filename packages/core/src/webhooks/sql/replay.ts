import type { Queryable } from '@lettergate/db/pool'

export type ReplayFilter = {
  endpointId: string
  mode: string
  seq: number | null
  messageId: string | null
  since: Date | null
  onlyFailed: boolean
  /** Of the endpoint; empty: all. */
  types: readonly number[]
  tags: readonly string[]
  streams: readonly string[]
}

/** Behind the last event of the chunk before. */
export type ReplayPosition = [pos: number, seq: number]

export type ReplayChunk = {
  count: number
  last: { position: ReplayPosition; at: Date } | null
  isFull: boolean
}

/** An acceptance has the number 0 among the events of its message. */
const EVENT_SEQ = 'case when f.type = 1 then 0 else f.seq end'

const SAME_EVENT = `t.seq = ${EVENT_SEQ} and t.message_id is not distinct from f.message_id`

/** Events that the endpoint would get by its filters; one chunk, in the order of the feed. */
const CHOSEN = `
  chosen as materialized (
    select f.pos, f.seq, f.message_id, f.at, f.type, f.connection_id, f.is_bulk,
           ${EVENT_SEQ} as event_seq
    from feed f
    where f.tenant_id = $1 and f.mode = $3 and (f.pos, f.seq) > ($4::int8, $5::int8)
      and ($6::int8 is null or ${EVENT_SEQ} = $6) and ($7::uuid is null or f.message_id = $7) and ($8::timestamptz is null or f.at >= $8)
      and (cardinality($9::int2[]) = 0 or f.type = any ($9))
      and (cardinality($10::text[]) = 0 or f.message_id is null or case when f.is_bulk then 'bulk' else 'transactional' end = any ($10))
      and (cardinality($11::text[]) = 0 or f.message_id is null or exists (
        select from message m where m.tenant_id = $1 and m.id = f.message_id and m.tags && $11::text[]))
      and (not $12::boolean or (
        exists (select from delivery_try t where t.tenant_id = $1 and t.endpoint_id = $2 and ${SAME_EVENT})
        and not exists (
          select from delivery_try t
          where t.tenant_id = $1 and t.endpoint_id = $2 and ${SAME_EVENT} and t.status between 200 and 299)))
    order by f.pos, f.seq limit $13
  )`

const COUNTED = `
  select (select count(*)::int4 from chosen) as count, c.pos, c.seq, c.at
  from (select 1) one left join lateral (select pos, seq, at from chosen order by pos desc, seq desc limit 1) c on true`

type Row = { count: number; pos: number | null; seq: number | null; at: Date | null }

/**
 * Sends a chunk of events again, in one statement: a row for each that has none; what waits for a later attempt is due now, a list by the row
 * that it is claimed by. `isDryRun`: the same select, and nothing written.
 */
export async function replayChunk(
  db: Queryable,
  tenantId: string,
  filter: ReplayFilter,
  after: ReplayPosition,
  { limit, isDryRun }: { limit: number; isDryRun: boolean },
): Promise<ReplayChunk> {
  const write = `, written as (
    insert into delivery (id, tenant_id, mode, endpoint_id, target, message_id, seq, type, connection_id, is_bulk, state)
    select gen_random_uuid(), $1, $3, $2, $2, message_id, event_seq, type, connection_id, is_bulk, 'waiting' from chosen c
    where not exists (
      select from delivery d
      where d.tenant_id = $1 and d.endpoint_id = $2 and d.seq = c.event_seq and d.message_id is not distinct from c.message_id)
  ), known as materialized (
    select distinct coalesce(d.list_id, d.id) as id from chosen c
    join delivery d on d.tenant_id = $1 and d.endpoint_id = $2 and d.seq = c.event_seq and d.message_id is not distinct from c.message_id
  ), hurried as (
    update delivery set due_at = now()
    where id in (
      select d.id from delivery d join known using (id) where d.state = 'waiting' and d.due_at > now() order by d.id for update of d)
  )`
  const { rows } = await db.query<Row>({
    name: isDryRun ? 'count-replay' : 'replay',
    text: `with ${CHOSEN}${isDryRun ? '' : write}${COUNTED}`,
    values: [
      tenantId,
      filter.endpointId,
      filter.mode,
      ...after,
      filter.seq,
      filter.messageId,
      filter.since,
      filter.types,
      filter.streams,
      filter.tags,
      filter.onlyFailed,
      limit,
    ],
  })
  const [row] = rows
  if (!row || row.pos === null || row.seq === null || row.at === null)
    return { count: 0, last: null, isFull: false }
  return {
    count: row.count,
    last: { position: [row.pos, row.seq], at: row.at },
    isFull: row.count === limit,
  }
}
