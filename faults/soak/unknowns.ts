import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Pool } from '@lettergate/db/pool'
import type { InjectedFault } from './inject-faults.ts'

export type Unknowns = {
  /** How many recipients for each reason. */
  reasons: Record<string, number>
  /** Without a reason, or sent when no fault was active that can make it unknown. */
  unexplained: string[]
}

/** A call is at most 25 s old when a fault interrupts it. */
const BEFORE_S = 30
const AFTER_S = 5

type Row = { tenant_id: string; message_id: string; reason: string | null; started: number | null }

/** Holds every unknown recipient against the faults; `startedAt` is when the load began, in ms since the epoch. */
export async function explainUnknowns(
  pool: Pool,
  tenantIds: readonly string[],
  injected: readonly InjectedFault[],
  startedAt: number,
): Promise<Unknowns> {
  const { rows } = await pool.query<Row>({
    text: `select r.tenant_id, r.message_id, r.reason, a.started
           from recipient r
           left join lateral (
             select extract(epoch from started_at)::float8 * 1000 as started from attempt
             where tenant_id = r.tenant_id and message_id = r.message_id order by number desc limit 1) a on true
           where r.tenant_id = any ($1) and r.rare_status = 'unknown'`,
    values: [tenantIds],
  })
  const reasons: Record<string, number> = {}
  const unexplained: string[] = []
  for (const { message_id, reason, started } of rows) {
    const at = started === null ? Number.NaN : (started - startedAt) / 1_000
    const cause = injected.find(
      ({ from, to, mayLeaveUnknown }) => mayLeaveUnknown && at >= from - BEFORE_S && at <= to + AFTER_S,
    )
    reasons[reason ?? 'none'] = (reasons[reason ?? 'none'] ?? 0) + 1
    if (reason === null || !cause)
      unexplained.push(`${toPublicId('msg', message_id)}: ${reason}, begun at ${at} s`)
  }
  return { reasons, unexplained }
}
