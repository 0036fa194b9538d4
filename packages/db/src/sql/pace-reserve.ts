import type { Queryable } from '../pool.ts'
import { column, rowArray } from '../rows.ts'

export type PaceOrder = {
  tenantId: string
  connectionId: string
  /** Recipients a second; null: no such limit. */
  rate: number | null
  wanted: number
  /** Of one hand-off. */
  largest: number
  perDay: number | null
  wantedOfDay: number
}

/** `startMs`: from now until the first may go out, negative while the burst lasts. */
export type PaceGrant = { startMs: number; granted: number; grantedOfDay: number; dayEndsInMs: number }

const orderArray = rowArray<PaceOrder>('pace_order', [
  column('uuid', (order) => order.tenantId),
  column('uuid', (order) => order.connectionId),
  column('float8', (order) => order.rate),
  column('float8', (order) => order.wanted),
  column('float8', (order) => order.largest),
  column('int4', (order) => order.perDay),
  column('int4', (order) => order.wantedOfDay),
])

/** Reserves for many connections at once, one order for each; answers in no certain order. */
export async function reservePace(db: Queryable, orders: PaceOrder[]): Promise<Map<string, PaceGrant>> {
  const sorted = [...orders].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
  const { rows } = await db.query<PaceGrant & { connectionId: string }>({
    name: 'pace-reserve',
    text: `
      select o.connection_id as "connectionId", g.start_ms as "startMs", g.granted, g.granted_of_day as "grantedOfDay",
             (extract(epoch from date_trunc('day', now() at time zone 'utc') + interval '1 day' - (now() at time zone 'utc'))
              * 1000)::float8 as "dayEndsInMs"
      from unnest($1::pace_order[]) o cross join lateral reserve_pace(o) g`,
    values: [await orderArray(db, sorted)],
  })
  return new Map(rows.map(({ connectionId, ...grant }) => [connectionId, grant]))
}
