import { eventTypeNames, numberOfType } from '@lettergate/contracts/messages/event-types'
import { noticedTypes } from '../noticed-types.ts'

/** The place of a type in the table of types, in SQL; null, which the feed refuses, for one that is not there. */
const TYPE_NUMBER = `array_position(array[${eventTypeNames.map((type) => `'${type}'`).join(', ')}], type)`

/**
 * Writes events and their feed rows: the CTEs of a statement that inserts them, and the only SQL that does. `rows` is a select of
 * `tenant_id, message_id, position, type, data, mode, is_bulk, connection_id`; position null means the message as a whole.
 * Sequence numbers follow the order of the rows.
 */
export function appendEvents(rows: string): string {
  return `new_event as materialized (
    select nextval('event_seq') as seq, e.* from (${rows}) e
  ), written_event as (
    insert into event (tenant_id, message_id, seq, position, type, data)
    select tenant_id, message_id, seq, position, type, data from new_event
  ), written_feed as (
    insert into feed (tenant_id, message_id, seq, type, mode, is_bulk, connection_id)
    select tenant_id, message_id, seq, ${TYPE_NUMBER}, mode, is_bulk, connection_id from new_event
  )`
}

/**
 * As `appendEvents`, for acceptances, which the row of the message itself keeps. `rows` is a select of `tenant_id, message_id, mode, is_bulk`.
 * Other events of the same statement join `accepted_feed`, so that their numbers are drawn after that of the acceptance.
 */
export function appendAcceptances(rows: string): string {
  return `accepted_feed as (
    insert into feed (tenant_id, message_id, seq, type, mode, is_bulk)
    select tenant_id, message_id, nextval('event_seq'), ${numberOfType('message.accepted')}, mode, is_bulk from (${rows}) e
    returning message_id
  )`
}

const NOTICED = noticedTypes.map((type) => `'${type}'`).join(', ')

/** As `appendEvents`, for events of a tenant's account, which have no message. `rows` is a select of `tenant_id, type, data`. */
export function appendAccountEvents(rows: string): string {
  return `new_event as materialized (
    select nextval('event_seq') as seq, e.* from (${rows}) e
  ), written_event as (
    insert into account_event (tenant_id, seq, type, data, notice_due_at)
    select tenant_id, seq, type, data, case when type in (${NOTICED}) then now() end from new_event
  ), written_feed as (
    insert into feed (tenant_id, seq, type, mode, is_bulk) select tenant_id, seq, ${TYPE_NUMBER}, 'live', false from new_event
  )`
}

/**
 * Notifies readers of the feed which tenants have news: a value for the last select of a statement that writes few events. Statements on the
 * path of every message notify after their commit instead (`notify`).
 */
export const NOTIFY_FEED = `(
  select pg_notify('lg_feed', string_agg(distinct tenant_id::text, ',')) from new_event having count(*) > 0)`

/**
 * As `appendEvents`, for events that others report, perhaps twice: `rows` also has `at` and `source`. `reported_event` is what was new. They
 * are inserted in the order of message and source, so that two statements with the same events take turns.
 */
export function appendReportedEvents(rows: string): string {
  return `reported as materialized (
    select nextval('event_seq') as seq, e.* from (${rows}) e
  ), inserted_report as (
    insert into event (tenant_id, message_id, seq, position, type, at, data, source)
    select tenant_id, message_id, seq, position, type, at, data, source from reported order by message_id, source
    on conflict (tenant_id, message_id, source) where source is not null do nothing
    returning seq
  ), reported_event as materialized (
    select * from reported where seq in (select seq from inserted_report)
  ), reported_feed as (
    insert into feed (tenant_id, message_id, seq, type, mode, is_bulk, connection_id)
    select tenant_id, message_id, seq, ${TYPE_NUMBER}, mode, is_bulk, connection_id from reported_event
  )`
}
