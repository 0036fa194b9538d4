import type { Queryable } from '@lettergate/db/pool'

/** A notification of at most 8,000 bytes. */
export type Notification = {
  channel:
    | 'lg_message'
    | 'lg_outbox'
    | 'lg_feed'
    | 'lg_endpoint'
    | 'lg_provider_event'
    | 'lg_inbound'
    | 'lg_inbound_route'
  payload: string
}

/**
 * Notifies the listeners of an earlier commit. A statement of its own, because NOTIFY holds a lock of the whole database until
 * its transaction is on disk: in a statement that writes, all such commits would wait for each other, one at a time.
 */
export async function notify(db: Queryable, notifications: readonly Notification[]): Promise<void> {
  if (notifications.length === 0) return
  await db.query({
    name: 'notify',
    text: 'select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as h (channel, payload)',
    values: [notifications.map(({ channel }) => channel), notifications.map(({ payload }) => payload)],
  })
}
