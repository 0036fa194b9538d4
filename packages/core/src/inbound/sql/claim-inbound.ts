import type { Queryable } from '@lettergate/db/pool'
import type { InboundKind } from './accept-inbound.ts'

/** A mail that this worker is to read and act on. */
export type ClaimedInbound = {
  id: string
  tenantId: string
  mode: 'live' | 'test'
  epoch: number
  /** With this one. */
  tries: number
  run: number
  kind: InboundKind
  aboutId: string | null
  aboutPosition: number | null
  routeId: string | null
  rawId: string
  sender: string
  recipient: string
  remoteAddress: string
  helo: string
  receivedAt: Date
  /** Null: it is gone. */
  raw: Buffer | null
  /** Of the route as it is now; null: there is none. */
  actions: unknown
  /** For the calls that it may need. */
  seqs: number[]
}

const LEASE_MS = 60_000
/** Rows that are looked at for one that is claimed: a tenant with many waits for those with few. */
const LOOKED_AT = 8
const CALLS_MAX = 5

/** Claims mails that are due, in turns of tenants, at most `limit` and about `bytesMax`, the first one whatever its size. */
export async function claimInbound(
  db: Queryable,
  { limit, bytesMax }: { limit: number; bytesMax: number },
): Promise<ClaimedInbound[]> {
  const { rows } = await db.query<ClaimedInbound>({
    name: 'claim-inbound',
    text: `
      with due as materialized (
        select id, tenant_id, due_at, bytes from inbound_due
        where due_at <= now() and (lease_until is null or lease_until < now())
        order by due_at limit $1 * ${LOOKED_AT}
        for update skip locked
      ), ranked as (
        select id, bytes, due_at, row_number() over (partition by tenant_id order by due_at, id) as place from due
      ), chosen as materialized (
        select id from (
          select id, row_number() over (order by place, due_at, id) as n,
                 sum(bytes) over (order by place, due_at, id) - bytes as bytes_before
          from ranked
        ) r where n <= $1 and bytes_before <= $2
      ), claimed as (
        update inbound_due d
        set epoch = nextval('claim_epoch'), lease_until = now() + ${LEASE_MS} * interval '1 ms', tries = least(d.tries + 1, 1000)
        from chosen c where d.id = c.id
        returning d.*
      )
      select c.id, c.tenant_id as "tenantId", coalesce(m.mode, 'live') as mode, c.epoch, c.tries, c.run, coalesce(m.kind, 'route') as kind,
             m.about_id as "aboutId", m.about_position as "aboutPosition", m.route_id as "routeId", m.raw_id as "rawId",
             coalesce(m.sender, '') as sender, coalesce(m.recipient, '') as recipient, coalesce(m.remote_address, '') as "remoteAddress",
             coalesce(m.helo, '') as helo, coalesce(m.received_at, now()) as "receivedAt", w.raw, r.actions,
             (select json_agg(nextval('event_seq')) from generate_series(1, ${CALLS_MAX})) as seqs
      from claimed c
      left join lateral (select * from inbound_message m where m.tenant_id = c.tenant_id and m.id = c.id limit 1) m on true
      left join lateral (select w.raw from inbound_raw w where w.tenant_id = c.tenant_id and w.id = m.raw_id limit 1) w on true
      left join lateral (
        select r.actions from inbound_route r where r.tenant_id = c.tenant_id and r.id = m.route_id limit 1
      ) r on true`,
    values: [limit, bytesMax],
  })
  return rows
}

/** Leaves a mail for later: it could not be acted on now. */
export async function releaseInbound(
  db: Queryable,
  { id, epoch }: { id: string; epoch: number },
  inMs: number,
): Promise<void> {
  await db.query({
    name: 'release-inbound',
    text: `
      update inbound_due set lease_until = null, due_at = now() + $3 * interval '1 ms'
      where id = $1 and epoch = $2`,
    values: [id, epoch, inMs],
  })
}
