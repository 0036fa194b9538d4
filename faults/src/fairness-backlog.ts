import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import pg from 'pg'
import type { NaiveStack } from './naive-stack.ts'
import type { Stack } from './stack.ts'

/** How the ids of the naive gateway's backlog begin: for a provider that misbehaves for them alone. */
export const NAIVE_BACKLOG = 'msg_00000000'

/** As accept writes them, but in one statement: md5 stands in for the random bits of the ids. */
const FILL = `
  with new as materialized (
    select i, (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || 'a' || substr(h, 4, 15))::uuid as id
    from (select i, md5($3::text || i) as h from generate_series(1, $2::int4) i) s
  ), written_message as (
    insert into message (tenant_id, id, usage_day, mode, stream, from_address, subject, tags, attachment_count, content_bytes)
    select $1, id, (now() at time zone 'utc')::date, 'live', $5, $4, 'Backlog ' || i, '{}', 0, 30
    from new
  ), written_content as (
    insert into message_content (tenant_id, message_id, document)
    select $1, id, '{"text":"One of very many mails."}' from new
  ), written_recipient as (
    insert into recipient (tenant_id, message_id, position, kind, address, status)
    select $1, id, 0, 'to', 'user' || i || '@example.net', 'queued' from new
  ), counted as (
    insert into usage (tenant_id, day, mode, accepted) values ($1, (now() at time zone 'utc')::date, 'live', $2)
    on conflict (tenant_id, day, mode) do update set accepted = usage.accepted + excluded.accepted
  ), written_outbox as (
    insert into outbox (message_id, tenant_id, mode, state, due_at, first_due_at, content_bytes, is_bulk)
    select id, $1, 'live', 'ready', now(), now(), 30, $5 = 'bulk' from new
  )
  select id from new`

/**
 * Gives the tenant this number of queued mails in one step, which the ledger counts as promised like any others, and wakes
 * the worker. Returns their public ids.
 */
export async function fillBacklog(
  stack: Stack,
  publicTenantId: string,
  count: number,
  from = 'app@acme.example',
  stream: 'transactional' | 'bulk' = 'transactional',
): Promise<Set<string>> {
  const tenantId = fromPublicId('ten', publicTenantId)
  const prefix = `${publicTenantId} ${stack.ledger.requests().length}`
  const values = [tenantId, count, prefix, from, stream]
  const { rows } = await stack.pool.query<{ id: string }>({ text: FILL, values })
  const at = Date.now()
  const ids = rows.map(({ id }) => toPublicId('msg', id))
  for (const messageId of ids)
    stack.ledger.open(`backlog-${messageId}`, 1).answers.push({ at, status: 202, messageId })
  await stack.pool.query({ text: 'notify lg_outbox' })
  return new Set(ids)
}

/** The same for the naive gateway, which knows no tenants; answers the ids, which sort before those of later mails. */
export async function fillNaiveBacklog(stack: NaiveStack, count: number): Promise<string[]> {
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ id: string }>(
    `insert into naive
     select '${NAIVE_BACKLOG}' || lpad(i::text, 18, '0'), 1, 'queued' from generate_series(1, $1::int4) i returning id`,
    [count],
  )
  await client.end()
  return rows.map(({ id }) => id)
}
