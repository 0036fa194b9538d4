import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import type { ReportedLimits } from './store-account-limits.ts'

export type RateOrder = {
  tenantId: string
  connectionId: string
  /** Recipients a second that the tenant permits; null: it set no such limit. */
  rate: number | null
  wanted: number
  /** The most recipients of one attempt. */
  largest: number
  perDay: number | null
  wantedOfDay: number
  /** The provider's limits that this worker remembers; used while the row has none. */
  reported: ReportedLimits | null
  /** Of the tenant's connections: a newer version restarts the sending times. */
  version: number
}

export type RateGrant = {
  /** From now until the first may be sent, negative while the burst lasts. */
  startMs: number
  granted: number
  grantedOfDay: number
  dayEndsInMs: number
  /** The lower of the tenant's and the provider's rate, the same for all workers; null: no limit. */
  rate: number | null
  /** Whether a daily limit applies, so that grants of it count. */
  countsDay: boolean
}

const orderArray = rowArray<RateOrder>('rate_order', [
  column('uuid', (order) => order.tenantId),
  column('uuid', (order) => order.connectionId),
  column('float8', (order) => order.rate),
  column('float8', (order) => order.wanted),
  column('float8', (order) => order.largest),
  column('int4', (order) => order.perDay),
  column('int4', (order) => order.wantedOfDay),
  column('json', (order) => order.reported && JSON.stringify(order.reported)),
  column('int4', (order) => order.version),
])

/** Reserves for many connections together, one order for each; the answers have no certain order. */
export async function reserveRate(db: Queryable, orders: RateOrder[]): Promise<Map<string, RateGrant>> {
  const sorted = [...orders].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
  const { rows } = await db.query<RateGrant & { connectionId: string }>({
    name: 'reserve-rate',
    text: `
      select o.connection_id as "connectionId", g.start_ms as "startMs", g.granted, g.granted_of_day as "grantedOfDay",
             g.rate, g.counts_day as "countsDay",
             (extract(epoch from date_trunc('day', now() at time zone 'utc') + interval '1 day' - (now() at time zone 'utc'))
              * 1000)::float8 as "dayEndsInMs"
      from unnest($1::rate_order[]) o cross join lateral reserve_rate(o) g`,
    values: [await orderArray(db, sorted)],
  })
  return new Map(rows.map(({ connectionId, ...grant }) => [connectionId, grant]))
}
