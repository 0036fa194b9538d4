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
 * Locks requests that are due until the end of the transaction, at most `limit` and about `bytesMax` of bodies, the first one whatever its
 * size; other workers skip them. One whose request is gone, with its day, has an empty body of no provider: it must not stay for ever.
 */
export async function takeDue(
  db: Queryable,
  { limit, bytesMax }: { limit: number; bytesMax: number },
): Promise<DueEvent[]> {
  const { rows } = await db.query<DueEvent>({
    name: 'take-provider-events',
    text: `
      with due as materialized (
        select d.id, d.received_at, d.tenant_id, d.tries, extract(epoch from now() - d.due_at)::float8 * 1000 as waited_ms from provider_event_due d
        where d.due_at <= now() order by d.due_at limit $1
        for update skip locked
      ), sized as materialized (
        select d.*, coalesce(sum(octet_length(p.body)) over (order by d.id) - octet_length(p.body), 0) as bytes_before
        from due d left join provider_event p on p.id = d.id and p.received_at = d.received_at
      )
      select s.id, s.tenant_id as "tenantId", coalesce(p.connection_id::text, '') as "connectionId", coalesce(p.provider, '') as provider,
             s.received_at as "receivedAt", coalesce(p.headers, '{}') as headers, coalesce(p.body, '') as body, s.tries,
             s.waited_ms as "waitedMs"
      from sized s left join provider_event p on p.id = s.id and p.received_at = s.received_at
      where s.bytes_before <= $2
      order by s.id`,
    values: [limit, bytesMax],
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
