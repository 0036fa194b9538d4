import type { Queryable } from '@lettergate/db/pool'

export type OwnUrlDelivery = {
  id: string
  url: string
  target: string
  messageId: string
  seq: number
  type: number
  connectionId: string | null
  isBulk: boolean
}

/**
 * Makes a delivery for each event of a message with a URL of its own, and moves the reader's cursor, in one statement; false: another worker
 * has taken over, and nothing is written.
 */
export async function fanOut(
  db: Queryable,
  lease: { id: string; epoch: number; tenantId: string; mode: string },
  cursor: string,
  rows: readonly OwnUrlDelivery[],
): Promise<boolean> {
  const found = await db.query<{ moved: boolean }>({
    name: 'fan-out-callbacks',
    text: `
      with moved as (
        update endpoint_state set cursor = $3 where id = $1 and epoch = $2 returning id
      ), made as (
        insert into delivery (id, tenant_id, mode, url, target, message_id, seq, type, connection_id, is_bulk, state)
        select r.id, $4, $5, r.url, r.target, r.message_id, r.seq, r.type, r.connection_id, r.is_bulk, 'waiting'
        from unnest($6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::int8[], $11::int2[], $12::uuid[], $13::boolean[])
          as r (id, url, target, message_id, seq, type, connection_id, is_bulk)
        where exists (select from moved)
      )
      select exists (select from moved) as moved`,
    values: [
      lease.id,
      lease.epoch,
      cursor,
      lease.tenantId,
      lease.mode,
      rows.map(({ id }) => id),
      rows.map(({ url }) => url),
      rows.map(({ target }) => target),
      rows.map(({ messageId }) => messageId),
      rows.map(({ seq }) => seq),
      rows.map(({ type }) => type),
      rows.map(({ connectionId }) => connectionId),
      rows.map(({ isBulk }) => isBulk),
    ],
  })
  return found.rows[0]?.moved ?? false
}
