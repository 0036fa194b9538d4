import type { Queryable } from '@lettergate/db/pool'

/** Messages looked at; with more of them, the figures are of these. */
const LOOKED_AT_MAX = 300_000

export type BacklogRow = {
  tenant_id: string
  name: string
  ready: number
  waiting: number
  /** Held by people. */
  held: number
  /** Claimed by a worker, or being sent. */
  sending: number
  /** How long the oldest ready message has been due. */
  oldest_seconds: number
}
export type BacklogView = { rows: BacklogRow[]; isComplete: boolean }

/** The tenants with the most messages left to send, at most `limit`. */
export async function readBacklog(db: Queryable, limit: number): Promise<BacklogView> {
  const { rows } = await db.query<BacklogRow & { is_complete: boolean }>({
    name: 'read-backlog',
    text: `
      with looked as materialized (
        select tenant_id, phase, due_at, held_at from outbox limit ${LOOKED_AT_MAX}
      ), counted as materialized (
        select tenant_id,
               count(*) filter (where phase = 'ready')::int4 as ready,
               count(*) filter (where phase = 'waiting' and held_at is null)::int4 as waiting,
               count(*) filter (where held_at is not null)::int4 as held,
               count(*) filter (where phase = 'held')::int4 as sending,
               floor(coalesce(extract(epoch from now() - min(due_at) filter (where phase = 'ready')), 0))::int4 as oldest_seconds,
               count(*) as n
        from looked group by tenant_id
      )
      select c.tenant_id, t.name, c.ready, c.waiting, c.held, c.sending, greatest(0, c.oldest_seconds) as oldest_seconds,
             (select sum(n) from counted) < ${LOOKED_AT_MAX} as is_complete
      from counted c join tenant t on t.id = c.tenant_id
      order by c.n desc, c.tenant_id limit $1`,
    values: [limit],
  })
  return {
    rows: rows.map(({ is_complete: _, ...row }) => row),
    isComplete: rows[0]?.is_complete ?? true,
  }
}
