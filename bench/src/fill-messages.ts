import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import type { Pool } from '@lettergate/db/pool'
import { inParallel } from '@lettergate/faults/client'
import { quickSession } from './quick-session.ts'
import { withoutIndexes } from './without-indexes.ts'

const DAYS = 30
const CHUNK = 100_000
/** As many as the machine has cores: measured, 2 million in 11 s with two, in 19 with one. */
const PARALLEL = 2

/** UUIDv7s of one day, spread evenly over it; md5 stands in for the random bits. */
const IDS = `
  select i, (lpad(to_hex(day_ms + i * (86400000 / n)), 12, '0') || '7' || substr(h, 1, 3) || 'a' || substr(h, 4, 15))::uuid as id
  from (select (extract(epoch from $2::date::timestamp) * 1000)::bigint as day_ms, $3::bigint as n) d
  cross join lateral (select i, md5($4::text || i) as h from generate_series(0, n - 1) i) s`

const INSERT = `
  with new as materialized (${IDS}), message as (
    insert into message (tenant_id, id, created_at, usage_day, mode, stream, from_address, subject, tags,
                         attachment_count, content_bytes)
    select $1, id, $2::date, $2::date, 'live', 'transactional', 'app@acme.example', 'Hello ' || i, '{receipt}', 0, 2300
    from new)
  insert into recipient (tenant_id, message_id, position, kind, address, status, updated_at)
  select $1, id, 0, 'to', 'user' || lpad(i::text, 9, '0') || '@example.net', 'sent', $2::date from new`

/** Days long past are vacuumed long ago. These are filled now, and autovacuum would come meanwhile, or while reads are measured. */
const LEAVE_ALONE = `
  do $$ declare name text; begin
    for name in select oid::regclass::text from pg_class where relkind = 'r' and relname ~ '^(message|recipient)_[0-9]{8}$' loop
      execute format('alter table %s set (autovacuum_enabled = false)', name);
    end loop;
  end $$`

/** Puts that many sent messages of each tenant into the last 30 daily partitions. */
export async function fillMessages(pool: Pool, tenantIds: readonly string[], count: number): Promise<void> {
  await pool.query({ text: `select ensure_partitions(current_date - ${DAYS}, current_date)` })
  const { rows } = await pool.query<{ day: string }>({
    text: `select (current_date - n)::text as day from generate_series(1, ${DAYS}) n`,
  })
  const perDay = Math.ceil(count / DAYS)
  const chunks = rows.flatMap(({ day }) =>
    tenantIds.flatMap((tenantId) =>
      Array.from({ length: Math.ceil(perDay / CHUNK) }, (_, chunk) => ({
        tenantId,
        day,
        size: Math.min(CHUNK, perDay - chunk * CHUNK),
        seed: `${tenantId} ${day} ${chunk} ${count} `,
      })),
    ),
  )
  const fill = async (index: number) => {
    const chunk = chunks[index]
    if (chunk)
      await quickSession(pool, (client) =>
        client.query(INSERT, [chunk.tenantId, chunk.day, chunk.size, chunk.seed]),
      )
  }
  await pool.query({ text: LEAVE_ALONE })
  await withoutIndexes(pool, () => inParallel(chunks.length, PARALLEL, fill))
  await quickSession(pool, async (client) => {
    await client.query('set default_statistics_target = 10')
    await client.query('analyze message, recipient')
  })
}

/** The request paths of messages chosen over all days. */
export async function samplePaths(
  pool: Pool,
  { tenantId, count, stored }: { tenantId: string; count: number; stored: number },
): Promise<string[]> {
  // A few more than are wanted, since a sample is only about as large as asked for.
  const percent = Math.min(100, (count / stored) * 120)
  const { rows } = await pool.query<{ id: string }>({
    text: `select id from (select tenant_id, id from message tablesample bernoulli ($3)) m
           where tenant_id = $1 order by random() limit $2`,
    values: [tenantId, count, percent],
  })
  return rows.map(({ id }) => `/v1/messages/${toPublicId('msg', id)}`)
}

/** The database's id of a tenant. */
export function tenantUuid(publicId: string): string {
  const uuid = fromPublicId('ten', publicId)
  if (uuid === null) throw new Error(`not a tenant id: ${publicId}`)
  return uuid
}
