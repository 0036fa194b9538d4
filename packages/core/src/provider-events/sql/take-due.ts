import { randomUUID } from 'node:crypto'
import type { Queryable } from '@lettergate/db/pool'

/** A request of a provider that is to be applied. */
export type DueEvent = {
  id: number
  tenantId: string
  connectionId: string
  provider: string
  receivedAt: Date
  headers: Record<string, string>
  body: Buffer
  tries: number
  /** Since it was due. */
  waitedMs: number
}

/** Tenants of one turn: each has its share of it. */
const TENANTS_MAX = 20

/**
 * Builds the statement around the CTE `due`, which locks the requests. A probe for each body: as a join, Postgres would read all requests of
 * the day. One whose request is gone, with its day, has an empty body of no provider: it must not stay for ever.
 */
const textOf = (due: string): string => `
  with recursive ${due}, sized as materialized (
    select d.*, coalesce(sum(octet_length(p.body)) over (order by d.id) - octet_length(p.body), 0) as bytes_before
    from due d left join lateral (
      select p.body from provider_event p where p.received_at = d.received_at and p.id = d.id limit 1
    ) p on true
  )
  select s.id, s.tenant_id as "tenantId", coalesce(p.connection_id::text, '') as "connectionId", coalesce(p.provider, '') as provider,
         s.received_at as "receivedAt", coalesce(p.headers, '{}') as headers, coalesce(p.body, '') as body, s.tries,
         s.waited_ms as "waitedMs"
  from sized s left join lateral (
    select p.connection_id, p.provider, p.headers, p.body from provider_event p
    where p.received_at = s.received_at and p.id = s.id limit 1
  ) p on true
  where s.bytes_before <= $2
  order by s.id`

const COLUMNS =
  'd.id, d.received_at, d.tenant_id, d.tries, extract(epoch from now() - d.due_at)::float8 * 1000 as waited_ms'

const OF_IDS = textOf(`due as materialized (
    select ${COLUMNS} from provider_event_due d
    where d.due_at <= now() and d.id = any ($3::int8[]) order by d.due_at limit $1
    for update skip locked
  )`)

/** Walks from tenant to tenant with something due, from $3 around to $3, so that a burst of one delays no other. */
const FAIR = textOf(`walk (tenant_id, has_wrapped, n) as (
    select $3::uuid, false, 0
    union all
    select next.tenant_id, next.has_wrapped, w.n + 1 from walk w cross join lateral (
      (select d.tenant_id, w.has_wrapped from provider_event_due d
       where d.tenant_id > w.tenant_id and d.due_at <= now() and (not w.has_wrapped or d.tenant_id <= $3::uuid)
       order by d.tenant_id limit 1)
      union all
      (select d.tenant_id, true from provider_event_due d
       where not w.has_wrapped and d.tenant_id <= $3::uuid and d.due_at <= now()
       order by d.tenant_id limit 1)
      order by has_wrapped limit 1
    ) next
    where w.n < ${TENANTS_MAX}
  ), due as materialized (
    select d.* from (select tenant_id from walk where n > 0) w cross join lateral (
      select ${COLUMNS} from provider_event_due d
      where d.tenant_id = w.tenant_id and d.due_at <= now()
      order by d.due_at limit (select ceil($1::float8 / greatest(count(*) - 1, 1))::int8 from walk)
      for update skip locked
    ) d
  )`)

/**
 * Locks requests that are due until the end of the transaction: these, or about `limit` of all tenants in turn; and about `bytesMax` of bodies,
 * the first one whatever its size. Other workers skip them.
 */
export async function takeDue(
  db: Queryable,
  { limit, bytesMax, ids }: { limit: number; bytesMax: number; ids: readonly number[] | null },
): Promise<DueEvent[]> {
  const { rows } = await db.query<DueEvent>(
    ids === null
      ? { name: 'take-provider-events', text: FAIR, values: [limit, bytesMax, randomUUID()] }
      : { name: 'take-these-provider-events', text: OF_IDS, values: [limit, bytesMax, ids] },
  )
  return rows
}

/** Takes requests off the list of work. */
export async function finishDue(db: Queryable, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return
  await db.query({
    name: 'finish-provider-events',
    text: 'delete from provider_event_due where id = any ($1::int8[])',
    values: [ids],
  })
}

/** Leaves requests for later. */
export async function deferDue(
  db: Queryable,
  rows: readonly { id: number; inSeconds: number }[],
): Promise<void> {
  if (rows.length === 0) return
  await db.query({
    name: 'defer-provider-events',
    text: `
      update provider_event_due d set tries = d.tries + 1, due_at = now() + r.seconds * interval '1 second'
      from unnest($1::int8[], $2::int4[]) as r (id, seconds)
      where d.id = r.id`,
    values: [rows.map(({ id }) => id), rows.map(({ inSeconds }) => inSeconds)],
  })
}

/**
 * Leaves a request that failed for the next of these times, or takes it off the list when there is none left; answers whether it did. One that
 * is locked is being applied by another worker.
 */
export async function postponeFailed(
  db: Queryable,
  id: number,
  inSeconds: readonly number[],
): Promise<boolean> {
  const { rows } = await db.query<{ gone: boolean }>({
    name: 'postpone-failed-provider-event',
    text: `
      with failed as materialized (
        select id, tries from provider_event_due where id = $1 for update skip locked
      ), gone as (
        delete from provider_event_due d using failed f where d.id = f.id and f.tries >= cardinality($2::int4[])
        returning d.id
      ), postponed as (
        update provider_event_due d
        set tries = d.tries + 1, due_at = now() + ($2::int4[])[f.tries + 1] * interval '1 second'
        from failed f where d.id = f.id and f.tries < cardinality($2::int4[])
      )
      select exists (select from gone) as gone`,
    values: [id, inSeconds],
  })
  return rows[0]?.gone === true
}
