import type { Queryable } from '@lettergate/db/pool'

export type RetryLock = {
  mode: 'live' | 'test'
  /** Null: nothing is left to do for it. */
  outboxState: string | null
  recipients: { position: number; status: string }[]
  /** Whether there is something to send: content goes sooner than the rest. */
  hasContent: boolean
}

/**
 * Locks everything that a retry looks at, in the order of docs/decisions/0025: the outbox row, the message (two retries take turns on
 * it), its recipients. Having read the content, the transaction holds its day: it is not dropped before the
 * message is in the backlog, and one that is in the backlog keeps its content.
 */
export async function lockForRetry(
  client: Queryable,
  message: { tenantId: string; id: string },
): Promise<RetryLock | null> {
  const values = [message.tenantId, message.id]
  const lockOutbox = () =>
    client.query<{ state: string }>({
      name: 'lock-for-retry-outbox',
      text: 'select state from outbox where tenant_id = $1 and message_id = $2 for update',
      values,
    })
  const first = await lockOutbox()
  const { rows } = await client.query<{ mode: 'live' | 'test' }>({
    name: 'lock-for-retry-message',
    text: 'select mode from message where tenant_id = $1 and id = $2 for no key update',
    values,
  })
  const [row] = rows
  if (!row) return null
  // Another retry may have put it into the backlog meanwhile.
  const outbox = first.rowCount === 0 ? await lockOutbox() : first
  const recipients = await client.query<{ position: number; status: string }>({
    name: 'lock-for-retry-recipients',
    text: 'select position, status from recipient where tenant_id = $1 and message_id = $2 order by position for update',
    values,
  })
  const content = await client.query({
    name: 'lock-for-retry-content',
    text: 'select from message_content where tenant_id = $1 and message_id = $2',
    values,
  })
  return {
    mode: row.mode,
    outboxState: outbox.rows[0]?.state ?? null,
    recipients: recipients.rows,
    hasContent: content.rowCount === 1,
  }
}
