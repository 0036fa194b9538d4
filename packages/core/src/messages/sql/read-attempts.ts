import type { Queryable } from '@lettergate/db/pool'

/** Ids of the database. */
export type StoredChoice = {
  /** `lost`: it is lost with its worker. */
  rule: 'named' | 'route' | 'priority' | 'fallback' | 'lost'
  route: string | null
  skipped: { connection: string; why: string }[]
  /** By the shared pool; absent: no. */
  pool?: boolean
  /** Absent: no. */
  alone?: boolean
}

export type AttemptRow = {
  number: number
  connection_id: string | null
  provider: string
  started_at: Date
  finished_at: Date
  outcome: 'accepted' | 'rejected' | 'deferred' | 'unknown'
  scope: 'message' | 'account' | null
  /** The class of a failure. */
  code: string | null
  reason: string | null
  choice: StoredChoice | null
  provider_message_id: string | null
  addresses: string[]
}

/** A message is tried some dozen times by itself; people may retry it for ever. */
const ATTEMPTS_MAX = 500

/** The tries at a provider, oldest first, the latest of them if there are very many. */
export async function readAttempts(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<AttemptRow[]> {
  const { rows } = await db.query<AttemptRow>({
    name: 'read-attempts',
    text: `
      select a.number, a.connection_id, a.provider, a.started_at, a.finished_at, a.outcome, a.scope, a.code, a.reason,
             a.choice, a.provider_message_id,
             (select coalesce(json_agg(r.address order by r.position), '[]') from recipient r
              where r.tenant_id = $1 and r.message_id = $2 and r.position = any (a.recipients)) as addresses
      from attempt a where a.tenant_id = $1 and a.message_id = $2
      order by a.number desc limit ${ATTEMPTS_MAX}`,
    values: [message.tenantId, message.id],
  })
  return rows.reverse()
}
