import type { Queryable } from '@lettergate/db/pool'

/** A worker serves for so long after its last word. */
export const LEASE_MS = 60_000

export type Lease = {
  id: string
  tenantId: string
  mode: 'live' | 'test'
  endpointId: string | null
  epoch: number
  /** A window of the feed, as JSON. */
  cursor: string
  failures: number
  failingSince: Date | null
}

/** Takes an endpoint that nobody serves and that is not paused; null: there is nothing to do for this worker. */
export async function leaseState(db: Queryable, id: string): Promise<Lease | null> {
  const { rows } = await db.query<Lease>({
    name: 'lease-endpoint-state',
    text: `
      update endpoint_state s set epoch = nextval('claim_epoch'), lease_until = now() + $2 * interval '1 ms'
      where s.id = (
        select id from endpoint_state
        where id = $1 and (lease_until is null or lease_until < now()) and (paused_until is null or paused_until <= now())
        for update skip locked)
      returning s.id, s.tenant_id as "tenantId", s.mode, s.endpoint_id as "endpointId", s.epoch, s.cursor, s.failures,
                s.failing_since as "failingSince"`,
    values: [id, LEASE_MS],
  })
  return rows[0] ?? null
}

/** Goes on serving; false: another worker has taken over. */
export async function renewLease(db: Queryable, { id, epoch }: Lease): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'renew-endpoint-lease',
    text: `update endpoint_state set lease_until = now() + $3 * interval '1 ms' where id = $1 and epoch = $2`,
    values: [id, epoch, LEASE_MS],
  })
  return rowCount === 1
}

export async function endLease(db: Queryable, { id, epoch }: Lease): Promise<void> {
  await db.query({
    name: 'end-endpoint-lease',
    text: 'update endpoint_state set lease_until = null where id = $1 and epoch = $2',
    values: [id, epoch],
  })
}
