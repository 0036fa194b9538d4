import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'

export type DeferredClaim = {
  messageId: string
  epoch: number
  inMs: number
  connectionId: string
  /** Shown to the tenant; 'rate': its sending time is reserved. */
  why: string
  /** The version of the tenant's connections used for this decision. */
  version: number
}

const waitArray = rowArray<DeferredClaim>('claim_deferral', [
  column('uuid', (wait) => wait.messageId),
  column('int8', (wait) => wait.epoch),
  column('float8', (wait) => wait.inMs),
  column('uuid', (wait) => wait.connectionId),
  column('text', (wait) => wait.why),
  column('int4', (wait) => wait.version),
])

/**
 * Defers claims until their connection may be used; no attempt counts. If the tenant has changed its connections meanwhile, the message is
 * ready immediately.
 */
export async function deferClaims(db: Queryable, waits: DeferredClaim[]): Promise<void> {
  const sorted = [...waits].sort((a, b) => (a.messageId < b.messageId ? -1 : 1))
  await db.query({
    name: 'defer-claims',
    text: `
      update outbox o
      set state = case when t.connections_version = w.version then 'waiting' else 'ready' end,
          due_at = now() + w.in_ms * interval '1 ms', lease_until = null,
          wait_for = w.connection_id, wait_why = w.why, wait_version = w.version,
          throttled_ms = o.throttled_ms + case when w.why in ('rate', 'rate-turn', 'rate-far', 'day', 'concurrency') then w.in_ms else 0 end
      from unnest($1::claim_deferral[]) w, tenant t
      where o.message_id = w.message_id and o.epoch = w.epoch and o.state = 'claimed' and t.id = o.tenant_id`,
    values: [await waitArray(db, sorted)],
  })
}
