import type { Pool } from '@lettergate/db/pool'
import { inParallel } from '@lettergate/faults/client'
import { quickSession } from './quick-session.ts'

const CHUNK = 50_000
const PARALLEL = 2

/** As accept writes them, in one statement for many. The ids rise, a hundred to the millisecond, and md5 stands in for chance. */
const INSERT = `
  with new as materialized (
    select i, (lpad(to_hex(first_ms + i / 100), 12, '0') || '7' || substr(h, 1, 3) || 'a' || substr(h, 4, 15))::uuid as id
    from (select (extract(epoch from now()) * 1000)::bigint - $2::int4 / 100 as first_ms) f
    cross join lateral (select i, md5($3::text || i) as h from generate_series(1, $2::int4) i) s
  ), written_message as (
    insert into message (tenant_id, id, usage_day, mode, stream, from_address, subject, tags, attachment_count, content_bytes)
    select $1, id, (now() at time zone 'utc')::date, 'live', 'transactional', 'app@acme.example', 'Backlog', '{}', 0, $5::int4
    from new
  ), written_content as (
    insert into message_content (tenant_id, message_id, document) select $1, id, $4::json from new
  ), written_recipient as (
    insert into recipient (tenant_id, message_id, position, kind, address, status)
    select $1, id, 0, 'to', 'user@example.net', 'queued' from new
  )
  insert into outbox (message_id, tenant_id, mode, state, content_bytes, accepted_at)
  select id, $1, 'live', 'ready', $5::int4, now() from new`

const ENVELOPE = {
  from: { address: 'app@acme.example' },
  subject: 'Backlog',
  tags: [],
  attachment_count: 0,
  recipients: [{ kind: 'to', address: 'user@example.net', name: null }],
}

type Body = { text: string; html?: string }

/** A short mail: a million long ones would be 2 GB to write first. */
const SHORT: Body = { text: 'One of very many mails that wait for their turn.' }

const WORDS = 'lorem ipsum dolor '.repeat(60)
/** 2.3 kB, as the load tool posts them. */
export const WHOLE_MAIL: Body = { text: WORDS, html: `<p>${WORDS}</p>` }

let fills = 0

/** Gives the tenant this number of further due messages, as accept would have written them. */
export async function fillBacklog(
  pool: Pool,
  tenantId: string,
  count: number,
  body: Body = SHORT,
): Promise<void> {
  const document = JSON.stringify({ envelope: ENVELOPE, ...body })
  const bytes = Object.values(body).join('').length
  const fill = ++fills
  await inParallel(Math.ceil(count / CHUNK), PARALLEL, async (chunk) => {
    const size = Math.min(CHUNK, count - chunk * CHUNK)
    const values = [tenantId, size, `${fill} ${chunk} `, document, bytes]
    await quickSession(pool, (client) => client.query(INSERT, values))
  })
  await pool.query({ text: 'notify lg_outbox' })
}
