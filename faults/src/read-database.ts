import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Queryable } from '@lettergate/db/pool'
import type { DatabaseView } from './oracle.ts'

type MessageRow = { id: string; tenant_id: string; day: string; statuses: string[] }
type UsageRow = { tenant_id: string; day: string; counted: number; limit: number }

/** Everything that Lettergate's database says, for the oracle. */
export async function readDatabase(db: Queryable): Promise<DatabaseView> {
  const messages = await db.query<MessageRow>({
    text: `select m.id, m.tenant_id, m.usage_day::text as day, array_agg(r.status order by r.position) as statuses
           from message m join recipient r on r.tenant_id = m.tenant_id and r.message_id = m.id
           group by m.id, m.tenant_id, m.usage_day`,
  })
  const usage = await db.query<UsageRow>({
    text: `select u.tenant_id, u.day::text as day, sum(u.accepted)::int4 as counted, t.daily_limit as limit
           from usage u join tenant t on t.id = u.tenant_id
           group by u.tenant_id, u.day, t.daily_limit`,
  })
  const backlog = await db.query<{ message_id: string }>({ text: 'select message_id from outbox' })
  return {
    messages: messages.rows.map(({ id, tenant_id: tenantId, day, statuses }) => ({
      tenantId,
      day,
      statuses,
      id: toPublicId('msg', id),
    })),
    usage: usage.rows.map(({ tenant_id: tenantId, ...row }) => ({ ...row, tenantId })),
    backlog: new Set(backlog.rows.map((row) => toPublicId('msg', row.message_id))),
  }
}
