import type { Queryable } from '@lettergate/db/pool'
import {
  appendEvents,
  appendReportedEvents,
  byDay,
  idRange,
  isPending,
  joinId,
  type Notification,
  POOL_TENANT_ID,
} from '../../lib/index.ts'
import { addSuppressions, suppressionStreams } from '../../suppressions/index.ts'
import { type EventItem, type EventKey, itemArray } from './event-items.ts'
import { findRaising } from './find-raising.ts'

const STREAM_OF_REASON = `case suppress ${Object.entries(suppressionStreams)
  .map(([reason, stream]) => `when '${reason}' then '${stream}'`)
  .join(' ')} end`

/**
 * 1. `reported_event`: the events that are new; the unique index of their source leaves out repeats, however late.
 * 2. `proof`: the attempt with unknown outcome that a new event of its recipient proves to be accepted; its other recipients count as sent.
 * 3. `target`, `held`, `changed`: the highest status of each recipient by what is new; `held` locks in one order, so that two appliers take
 *    turns. A repeat says nothing: the recipient may have been retried since.
 * 4. `kept`, `over`: the message waits for its other recipients, or is done. The caller has locked its row of the backlog, and it is not
 *    being sent.
 */
const TEXT = `
with item as materialized (
  select * from unnest($1::provider_event_item[])
), ${appendReportedEvents(`
  select tenant_id, message_id, position, type, data, mode, is_bulk = 1 as is_bulk, connection_id as sent_by,
         case when exists (select from pool_message s where s.message_id = i.message_id and s.connection_id = i.connection_id)
              then '${POOL_TENANT_ID}' else connection_id end as connection_id,
         at, source, status, reason, resolves
  from item i order by message_id, at, source`)}, proof as materialized (
  select distinct on (i.message_id) a.*
  from reported_event i cross join lateral (
    select a.tenant_id, a.message_id, a.number, a.recipients from attempt a
    where a.tenant_id = i.tenant_id and ${joinId('a.message_id', 'i.message_id')} and a.message_id between $2 and $3 and a.outcome = 'unknown'
      and a.connection_id is not distinct from i.sent_by and (i.position is null or i.position = any (a.recipients))
    order by a.number desc limit 1
  ) a
  where i.resolves = 1
  order by i.message_id, a.number desc
), sibling as materialized (
  select p.tenant_id, p.message_id, p.position from proof f cross join lateral (
    select p.tenant_id, p.message_id, p.position from recipient p
    where p.tenant_id = f.tenant_id and ${joinId('p.message_id', 'f.message_id')} and p.message_id between $2 and $3
      and p.position = any (f.recipients) and p.status in ('unknown', 'deferred') offset 0
  ) p
), target as materialized (
  select distinct on (message_id, position) * from (
    select tenant_id, message_id, position, status, reason, at from reported_event where status is not null and position is not null
    union all select tenant_id, message_id, position, 'sent', null, null from sibling
  ) t
  order by message_id, position, status_rank(status) desc, at desc nulls last
), held as materialized (
  select t.*, p.before from target t cross join lateral (
    select p.status as before from recipient p
    where p.tenant_id = t.tenant_id and ${joinId('p.message_id', 't.message_id')} and p.position = t.position and p.message_id between $2 and $3
    for no key update
  ) p
  where status_rank(t.status) > status_rank(p.before)
), changed as (
  update recipient p set status = h.status, reason = h.reason, updated_at = now()
  from held h
  where p.tenant_id = h.tenant_id and ${joinId('p.message_id', 'h.message_id')} and p.position = h.position and p.message_id between $2 and $3
    and status_rank(h.status) > status_rank(p.status)
  returning p.tenant_id, p.message_id, p.position, h.before
), corrected_attempt as (
  update attempt a
  set outcome = 'accepted', scope = null, code = null, finished_at = now(),
      reason = 'An event of the provider shows that it accepted the message.'
  from proof f
  where a.tenant_id = f.tenant_id and ${joinId('a.message_id', 'f.message_id')} and a.number = f.number and a.message_id between $2 and $3
), ended as materialized (
  select distinct tenant_id, message_id from changed where ${isPending('before')}
), left_over as materialized (
  select e.*, exists (
    select from recipient p
    where p.tenant_id = e.tenant_id and ${joinId('p.message_id', 'e.message_id')} and p.message_id between $2 and $3 and ${isPending('p.status')}
      and (p.message_id, p.position) not in (select message_id, position from changed)) as is_some
  from ended e
), kept as (
  update outbox o set state = case when o.state = 'claimed' then 'ready' else o.state end, lease_until = null, accepted_at = null
  from left_over l
  where l.is_some and o.message_id = l.message_id and o.tenant_id = l.tenant_id and o.state <> 'sending'
), over as (
  delete from outbox o using left_over l
  where not l.is_some and o.message_id = l.message_id and o.tenant_id = l.tenant_id and o.state <> 'sending'
), ${appendEvents(`
  select c.tenant_id, c.message_id, c.position, 'recipient.sent' as type,
         json_build_object('attempt', f.number, 'reason', 'An event of the provider shows that it accepted the message.') as data,
         i.mode, i.is_bulk, i.connection_id
  from changed c join sibling s using (message_id, position) join proof f on f.message_id = c.message_id
  cross join lateral (select mode, is_bulk, connection_id from reported_event i where i.message_id = c.message_id limit 1) i
  where (c.message_id, c.position) not in (select message_id, position from reported_event where position is not null and status is not null)`)}
select (select coalesce(json_agg(json_build_object('messageId', message_id, 'source', source)), '[]') from reported_event) as fresh,
       array_agg(distinct message_id) as messages, array_agg(distinct tenant_id) as tenants
from (select tenant_id, message_id from reported_event union all select tenant_id, message_id from changed) n`

/**
 * What new events mean beyond their messages: `reputation`, bounces and complaints about mail that the shared pool carried, in the hour in which
 * it was sent; and addresses that are not to be sent to any more.
 */
const BEYOND = `
with item as materialized (
  select * from unnest($1::provider_event_item[])
), reputation as (
  insert into reputation_hour as h (tenant_id, hour, bounced_hard, bounced_block, complained, unseen)
  select tenant_id, hour, sum(hard), sum(block), sum(complained), sum(hard + block + complained) from (
    select i.tenant_id, date_trunc('hour', s.sent_at) as hour,
           (i.type = 'recipient.bounced' and i.data -> 'detail' ->> 'bounce' = 'hard')::int4 as hard,
           (i.type = 'recipient.bounced' and i.data -> 'detail' ->> 'bounce' = 'block')::int4 as block,
           (i.type = 'recipient.complained')::int4 as complained
    from item i
    join pool_message s on s.message_id = i.message_id and s.tenant_id = i.tenant_id
      and (i.connection_id is null or s.connection_id = i.connection_id)
    where i.type in ('recipient.bounced', 'recipient.complained')
  ) c
  group by 1, 2 having sum(hard + block + complained) > 0 order by 1, 2
  on conflict (tenant_id, hour) do update
    set bounced_hard = h.bounced_hard + excluded.bounced_hard, bounced_block = h.bounced_block + excluded.bounced_block,
        complained = h.complained + excluded.complained, unseen = h.unseen + excluded.unseen
), ${addSuppressions(`
  select tenant_id, mode, address, ${STREAM_OF_REASON} as stream, suppress as reason, message_id
  from item where suppress is not null and address is not null`)}
select`

type Row = {
  fresh: EventKey[]
  messages: string[] | null
  tenants: string[] | null
}

/** Ids in one notification of 8,000 bytes. */
const NOTIFIED_MAX = 200

function toNotifications(channel: Notification['channel'], ids: readonly string[]): Notification[] {
  const notifications: Notification[] = []
  for (let at = 0; at < ids.length; at += NOTIFIED_MAX) {
    notifications.push({ channel, payload: ids.slice(at, at + NOTIFIED_MAX).join(',') })
  }
  return notifications
}

const concernsMore = ({ type, suppress }: EventItem): boolean =>
  suppress !== null || type === 'recipient.bounced' || type === 'recipient.complained'

async function applyGroup(db: Queryable, items: readonly EventItem[]): Promise<Row> {
  const { rows } = await db.query<Row>({
    name: 'apply-provider-events',
    text: TEXT,
    values: [await itemArray(db, items), ...idRange(items.map((item) => item.messageId))],
  })
  return rows[0] ?? { fresh: [], messages: null, tenants: null }
}

const keyOf = ({ messageId, source }: EventKey): string => `${messageId} ${source}`

/** Those that may change a recipient, which few events of old messages do, by the day of their message; and all others. */
async function inGroups(db: Queryable, items: readonly EventItem[]): Promise<(readonly EventItem[])[]> {
  const dayOf = (some: readonly EventItem[]) => byDay(some, ({ messageId }) => messageId)
  const days = dayOf(items)
  if (days.length < 2) return days
  const changing = new Set((await findRaising(db, items)).map(keyOf))
  const groups = Map.groupBy(items, (item) => changing.has(keyOf(item)))
  // Without a status nothing asks the partitions of all days for their recipients.
  const others = (groups.get(false) ?? []).map((item) => ({ ...item, status: null }))
  return [...dayOf(groups.get(true) ?? []), ...(others.length > 0 ? [others] : [])]
}

/**
 * Applies events in a transaction; safe to run twice. `fresh` counts those that were not known yet. The notifications are to be sent after the
 * commit.
 */
export async function applyEvents(
  db: Queryable,
  items: readonly EventItem[],
): Promise<{ fresh: number; notifications: Notification[] }> {
  const applied: Row[] = []
  for (const group of await inGroups(db, items)) applied.push(await applyGroup(db, group))
  const fresh = new Set(applied.flatMap((row) => row.fresh.map(keyOf)))
  const further = items.filter((item) => concernsMore(item) && fresh.has(keyOf(item)))
  // Once, and last: its rows are shared by the messages of all days, and are locked in one order.
  if (further.length > 0)
    await db.query({
      name: 'apply-provider-events-beyond',
      text: BEYOND,
      values: [await itemArray(db, further)],
    })
  const messages = new Set(applied.flatMap((row) => row.messages ?? []))
  const tenants = new Set(applied.flatMap((row) => row.tenants ?? []))
  const notifications = [
    ...toNotifications('lg_message', [...messages]),
    ...toNotifications('lg_feed', [...tenants]),
  ]
  return { fresh: fresh.size, notifications }
}
