import type { Queryable } from '@lettergate/db/pool'

export type TryRow = {
  messageId: string | null
  seq: number
  type: number
  at: Date
  number: number
  status: number | null
  ms: number
  error: string | null
  answer: string | null
  nextAt: Date | null
}

/** `place` is where the row stands, for the cursor. */
export type PlacedTry = TryRow & { place: string }

export type TryFilter = {
  endpointId: string
  since: Date | null
  /** Place, sequence number and number of the last one before. */
  after: [place: string, seq: number, number: number] | null
  limit: number
}

/** Attempts at an endpoint, newest first; their place is `at` in microseconds, as exactly as it is stored. */
export async function listTries(
  db: Queryable,
  tenantId: string,
  { endpointId, isOk, since, after, limit }: TryFilter & { isOk: boolean | null },
): Promise<PlacedTry[]> {
  const { rows } = await db.query<PlacedTry>({
    name: 'list-delivery-tries',
    text: `
      select t.message_id as "messageId", t.seq, t.type, t.at, t.number, t.status, t.ms, t.error, t.answer,
             (extract(epoch from t.at) * 1000000)::int8::text as place,
             case when t.number = d.attempts then d.due_at end as "nextAt"
      from delivery_try t
      left join lateral (
        select d.attempts, d.due_at from delivery d
        where d.tenant_id = $1 and d.endpoint_id = $2 and d.seq = t.seq and d.message_id is not distinct from t.message_id limit 1
      ) d on true
      where t.tenant_id = $1 and t.endpoint_id = $2
        and ($3::boolean is null or coalesce(t.status between 200 and 299, false) = $3)
        and ($4::timestamptz is null or t.at >= $4)
        and ($5::int8 is null or (t.at, t.seq, t.number) < (to_timestamp(0) + $5 * interval '1 microsecond', $6::int8, $7::int2))
      order by t.at desc, t.seq desc, t.number desc limit $8`,
    values: [tenantId, endpointId, isOk, since, ...(after ?? [null, null, null]), limit],
  })
  return rows
}
