import type { Queryable } from '@lettergate/db/pool'
import { FAILURES_BEFORE_PAUSE } from '../delivery-schedule.ts'

/** A further event of a call with several. */
export type ListedDelivery = {
  id: string
  messageId: string | null
  seq: number
  type: number
  connectionId: string | null
  isBulk: boolean
}

export type ClaimedDelivery = ListedDelivery & {
  tenantId: string
  mode: 'live' | 'test'
  endpointId: string | null
  url: string | null
  target: string
  /** The events behind the first of a call with several, in their order; null: the call has one event. */
  list: ListedDelivery[] | null
  /** Attempts made. */
  attempts: number
  epoch: number
  failures: number
  failingSince: Date | null
}

export type DeliveryPosition = { tenantId: string; target: string }

export const FIRST_TARGET: DeliveryPosition = {
  tenantId: '00000000-0000-0000-0000-000000000000',
  target: '00000000-0000-0000-0000-000000000000',
}

/** A worker that has a delivery answers for it within this time. */
export const DELIVERY_LEASE_MS = 60_000
/** Calls to one target in one worker; one alone, as a probe, where calls failed so often that they were paused. */
const PER_TARGET = 8
/** With more in hand, a target is not claimed again: claims of a few are worth their statement. */
export const AGAIN_AT = PER_TARGET / 2
/** Of one tenant in one claim: however many hosts its messages' own URLs have, others find room. */
const PER_TENANT = 32

export type ClaimBounds = {
  /** Targets to be seen, and deliveries to be claimed, at most. */
  targets: number
  limit: number
  /** Calls that this worker has in hand, by target. */
  inHand: ReadonlyMap<string, number>
  /** Those of which this worker has as much in hand as may be. */
  fullTenants: readonly string[]
}

/**
 * Claims deliveries that are due, walking from target to target behind `after`, so that a target with many costs the others nothing. Targets
 * that are paused or disabled are left out. `reached`: where to go on; null: all targets were seen.
 */
export async function claimDeliveries(
  db: Queryable,
  after: DeliveryPosition,
  { targets, limit, inHand, fullTenants }: ClaimBounds,
): Promise<{ claimed: ClaimedDelivery[]; reached: DeliveryPosition | null }> {
  const { rows } = await db.query<
    { seen: number; lastTenant: string | null; lastTarget: string | null } & Partial<ClaimedDelivery>
  >({
    name: 'claim-deliveries',
    text: `
      with recursive target as (
        (select tenant_id, target, 1 as n from delivery where state = 'waiting' and (tenant_id, target) > ($1::uuid, $2::uuid)
         order by tenant_id, target limit 1)
        union all
        select d.tenant_id, d.target, t.n + 1 from target t cross join lateral (
          select d.tenant_id, d.target from delivery d
          where d.state = 'waiting' and (d.tenant_id, d.target) > (t.tenant_id, t.target) order by d.tenant_id, d.target limit 1
        ) d
        where t.n < $3
      ), open as materialized (
        select t.*, s.failures, s.failing_since, coalesce(h.calls, 0) as in_hand from target t
        left join unnest($5::uuid[], $7::int4[]) as h (target, calls) on h.target = t.target
        left join endpoint_state s on s.id = t.target
        left join endpoint e on e.tenant_id = t.tenant_id and e.id = t.target
        where (s.paused_until is null or s.paused_until <= now()) and e.enabled is not false
          and coalesce(h.calls, 0) <= ${AGAIN_AT} and t.tenant_id <> all ($6::uuid[])
      ), due as materialized (
        select d.id, o.failures, o.failing_since, row_number() over (partition by o.tenant_id) as place from open o cross join lateral (
          select d.id from delivery d
          where d.tenant_id = o.tenant_id and d.target = o.target and d.state = 'waiting' and d.due_at <= now()
            and (d.list_id is null or d.list_id = d.id or not exists (select from delivery l where l.id = d.list_id))
          order by d.due_at limit greatest(0, case when o.failures >= ${FAILURES_BEFORE_PAUSE} then 1 else ${PER_TARGET} end - o.in_hand)
          for update skip locked
        ) d
        limit $4
      ), claimed as (
        update delivery d set state = 'claimed', epoch = nextval('claim_epoch'), lease_until = now() + ${DELIVERY_LEASE_MS} * interval '1 ms'
        from due where d.id = due.id and due.place <= ${PER_TENANT}
        returning d.*, due.failures as state_failures, due.failing_since
      ), listed as (
        update delivery d set epoch = c.epoch from claimed c where d.list_id = c.id and d.id <> c.id
        returning d.*
      )
      select (select count(*)::int4 from target) as seen, l.tenant_id as "lastTenant", l.target as "lastTarget",
             c.id, c.tenant_id as "tenantId", c.mode, c.endpoint_id as "endpointId", c.url, c.target, c.message_id as "messageId", c.seq,
             c.type, c.connection_id as "connectionId", c.is_bulk as "isBulk",
             c.attempts, c.epoch, coalesce(c.state_failures, 0) as failures, c.failing_since as "failingSince",
             (select json_agg(json_build_object('id', l.id, 'messageId', l.message_id, 'seq', l.seq, 'type', l.type,
                                                'connectionId', l.connection_id, 'isBulk', l.is_bulk) order by l.list_place)
              from listed l where l.list_id = c.id) as list
      from (select 1) one
      left join lateral (select tenant_id, target from target order by n desc limit 1) l on true
      left join claimed c on true`,
    values: [
      ...[after.tenantId, after.target, targets, limit],
      ...[[...inHand.keys()], fullTenants, [...inHand.values()]],
    ],
  })
  const [first] = rows
  const claimed = rows.flatMap(({ seen: _seen, lastTenant: _tenant, lastTarget: _target, ...row }) =>
    isClaimed(row) ? row : [],
  )
  const isWhole = !first || first.seen < targets || first.lastTenant === null || first.lastTarget === null
  return {
    claimed,
    reached: isWhole ? null : { tenantId: first.lastTenant ?? '', target: first.lastTarget ?? '' },
  }
}

function isClaimed(row: Partial<ClaimedDelivery>): row is ClaimedDelivery {
  return row.id !== null && row.id !== undefined
}
