import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import type { ReportedLimits } from './store-account-limits.ts'

export type RateOrder = {
  tenantId: string
  connectionId: string
  /** Recipients a second that the tenant permits; null: it set no such limit. */
  rate: number | null
  wanted: number
  /** Of one hand-off. */
  largest: number
  perDay: number | null
  wantedOfDay: number
  /** What this worker remembers of the provider's limits: holds while the row has none. */
  told: ReportedLimits | null
  /** Of the tenant's connections: with a newer one, times begin anew. */
  version: number
}

export type RateGrant = {
  /** From now until the first may go out, negative while the burst lasts. */
  startMs: number
  granted: number
  grantedOfDay: number
  dayEndsInMs: number
  /** The narrower of the tenant's and the provider's, which is the same for all workers; null: neither has one. */
  rate: number | null
  /** Whether a day is limited, so that what is granted of it counts. */
  countsDay: boolean
}

const orderArray = rowArray<RateOrder>('pace_order_2', [
  column('uuid', (order) => order.tenantId),
  column('uuid', (order) => order.connectionId),
  column('float8', (order) => order.rate),
  column('float8', (order) => order.wanted),
  column('float8', (order) => order.largest),
  column('int4', (order) => order.perDay),
  column('int4', (order) => order.wantedOfDay),
  column('json', (order) => order.told && JSON.stringify(order.told)),
  column('int4', (order) => order.version),
])

/** Reserves for many connections at once, one order for each; answers in no certain order. */
export async function reserveRate(db: Queryable, orders: RateOrder[]): Promise<Map<string, RateGrant>> {
  const sorted = [...orders].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
  const { rows } = await db.query<RateGrant & { connectionId: string }>({
    name: 'throttle-reserve',
    text: `
      select o.connection_id as "connectionId", g.start_ms as "startMs", g.granted, g.granted_of_day as "grantedOfDay",
             g.rate, g.counts_day as "countsDay",
             (extract(epoch from date_trunc('day', now() at time zone 'utc') + interval '1 day' - (now() at time zone 'utc'))
              * 1000)::float8 as "dayEndsInMs"
      from unnest($1::pace_order_2[]) o cross join lateral reserve_pace_2(o) g`,
    values: [await orderArray(db, sorted)],
  })
  return new Map(rows.map(({ connectionId, ...grant }) => [connectionId, grant]))
}
