/**
 * Writes events: the CTEs of a statement that inserts them. `rows` is a select of `tenant_id, message_id, position, type, data`; position
 * null means the message as a whole. Sequence numbers follow the order of the rows.
 */
export function appendEvents(rows: string): string {
  return `new_event as materialized (
    select nextval('event_seq') as seq, e.* from (${rows}) e
  ), written_event as (
    insert into event (tenant_id, message_id, seq, position, type, data)
    select tenant_id, message_id, seq, position, type, data from new_event
  )`
}
