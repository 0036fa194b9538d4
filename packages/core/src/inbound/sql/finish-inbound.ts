import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import { appendAccountEvents, idRange, joinId, NOTIFY_FEED } from '../../lib/index.ts'

/** What came of a mail. */
export type InboundResult = {
  tenantId: string
  id: string
  epoch: number
  state: 'done' | 'failed'
  parseError: string | null
  /** As JSON; null: it could not be read. */
  content: string | null
  /** As JSON. */
  actions: string
  mailboxId: string | null
  /** Of the account; null: none. */
  event: { type: string; data: string } | null
}

/** A call to a URL. */
export type InboundPost = {
  inboundId: string
  tenantId: string
  mode: string
  id: string
  url: string
  target: string
  seq: number
  /** Place of the type in the list of the contracts, from 1. */
  type: number
}

const resultsOf = rowArray<InboundResult>('inbound_result', [
  column('uuid', (row) => row.tenantId),
  column('uuid', (row) => row.id),
  column('int8', (row) => row.epoch),
  column('text', (row) => row.state),
  column('text', (row) => row.parseError),
  column('json', (row) => row.content),
  column('json', (row) => row.actions),
  column('uuid', (row) => row.mailboxId),
  column('text', (row) => row.event?.type),
  column('json', (row) => row.event?.data),
])
const postsOf = rowArray<InboundPost>('inbound_post', [
  column('uuid', (row) => row.inboundId),
  column('uuid', (row) => row.tenantId),
  column('text', (row) => row.mode),
  column('uuid', (row) => row.id),
  column('text', (row) => row.url),
  column('uuid', (row) => row.target),
  column('int8', (row) => row.seq),
  column('int2', (row) => row.type),
])

const TEXT = `
with given as materialized (
  select * from unnest($1::inbound_result[])
), mine as (
  delete from inbound_due d using given g where d.id = g.id and d.epoch = g.epoch
  returning d.id
), ended as materialized (
  select g.* from given g join mine using (id) order by g.id
), stored as (
  update inbound_message m
  set state = e.state, parse_error = e.parse_error, content = e.content, actions = e.actions, mailbox_id = e.mailbox_id
  from ended e
  where m.tenant_id = e.tenant_id and ${joinId('m.id', 'e.id')} and m.id between $3 and $4
), posted as (
  insert into delivery (id, tenant_id, mode, url, target, message_id, seq, type, is_bulk, state)
  select p.id, p.tenant_id, p.mode, p.url, p.target, p.inbound_id, p.seq, p.type, false, 'waiting'
  from unnest($2::inbound_post[]) p where p.inbound_id in (select id from mine)
), ${appendAccountEvents('select tenant_id, event as type, event_data as data from ended where event is not null')}
select id, ${NOTIFY_FEED} from mine`

/** Records what came of mails, with the calls that they need, in one statement; a worker that was overtaken writes nothing. */
export async function finishInbound(
  db: Queryable,
  results: readonly InboundResult[],
  posts: readonly InboundPost[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ id: string }>({
    name: 'finish-inbound',
    text: TEXT,
    values: [await resultsOf(db, results), await postsOf(db, posts), ...idRange(results.map(({ id }) => id))],
  })
  return new Set(rows.map(({ id }) => id))
}
