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

/**
 * Locks requests that are due (of these, or of all) until the end of the transaction, at most `limit` and about `bytesMax` of bodies, the first one whatever its
 * size; other workers skip them. One whose request is gone, with its day, has an empty body of no provider: it must not stay for ever.
 * A probe for each row: as a join, Postgres would read all requests of the day.
 */
export async function takeDue(
  db: Queryable,
  { limit, bytesMax, ids }: { limit: number; bytesMax: number; ids: readonly number[] | null },
): Promise<DueEvent[]> {
  const { rows } = await db.query<DueEvent>({
    name: 'take-provider-events',
    text: `
      with due as materialized (
        select d.id, d.received_at, d.tenant_id, d.tries, extract(epoch from now() - d.due_at)::float8 * 1000 as waited_ms from provider_event_due d
        where d.due_at <= now() and ($3::int8[] is null or d.id = any ($3)) order by d.due_at limit $1
        for update skip locked
      ), sized as materialized (
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
      order by s.id`,
    values: [limit, bytesMax, ids],
  })
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
