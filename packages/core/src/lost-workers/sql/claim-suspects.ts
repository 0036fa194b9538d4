import type { Queryable } from '@lettergate/db/pool'
import { type Claim, claimColumns } from '../../dispatch/index.ts'
import { LOST_WORKERS_MAX } from './lost-workers.ts'

/**
 * Claims messages with a lost worker, each for a process of its own. Tenants take turns, and none has more than half of `max`, so that one
 * tenant's suspects never block another's. Within a tenant, fewer losses come first: most of these messages are harmless.
 */
export async function claimSuspects(
  db: Queryable,
  options: { free: number; max: number; leaseMs: number },
): Promise<Claim[]> {
  const { rows } = await db.query<Claim>({
    name: 'claim-suspects',
    text: `
      with held as materialized (
        select tenant_id, count(*) as n from outbox
        where lost_workers > 0 and phase = 'held' group by tenant_id
      ), ranked as materialized (
        select o.message_id, row_number() over (partition by o.tenant_id order by o.lost_workers, o.message_id) + coalesce(h.n, 0) as turn
        from outbox o left join held h using (tenant_id)
        where o.lost_workers > 0 and o.lost_workers < $4::int4 and o.phase = 'ready'
      ), picked as materialized (
        select o.message_id from outbox o
        where o.message_id = any (array(
          select message_id from ranked where turn <= greatest(1, $2::int4 / 2) order by turn, message_id limit $1))
          and o.phase = 'ready'
        for update skip locked
      )
      update outbox o
      set state = 'claimed', epoch = nextval('claim_epoch'), lease_until = now() + $3::int4 * interval '1 ms'
      from picked p where o.message_id = p.message_id
      returning ${claimColumns('o')}`,
    values: [options.free, options.max, options.leaseMs, LOST_WORKERS_MAX],
  })
  return rows
}
