import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PartResult, perSecond, ratioFigure, skippedFigure } from './figure.ts'
import { WHOLE_MAIL } from './fill-backlog.ts'
import { tenantUuid } from './fill-messages.ts'
import { applyLoad, rateOf } from './load.ts'
import { pgbenchInstalled, runPgbench } from './pgbench.ts'
import { median, spread } from './statistics.ts'
import type { TestBed } from './test-bed.ts'

const ROUNDS = 3
const ROUND_SECONDS = 3
const CONNECTIONS = 32
/** The gateway's use of 32 connections: two statements in progress, of 16 messages each. */
const BATCH = { clients: 2, messages: 16 }
const SINGLE = { clients: CONNECTIONS, messages: 1 }
/** Version 7 and twelve bits; the other half is random. */
const VERSION_BITS = '7000'

/**
 * The rows of one accepted message, and of as many more as are asked for, into the gateway's own tables with their indexes, one commit
 * for all: message, content of 2.3 kB, recipient, feed, outbox, quota. No look-ups, no arrays to take apart, no checks.
 */
function insertScript(tenantId: string, messages: number): string {
  const document = JSON.stringify(WHOLE_MAIL)
  return `with new as materialized (
    select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '${VERSION_BITS}' ||
            substr(replace(gen_random_uuid()::text, '-', ''), 17))::uuid as id
    from generate_series(1, ${messages})
  ), spent as (
    update usage set accepted = accepted + ${messages}
    where tenant_id = '${tenantId}' and day = (now() at time zone 'utc')::date and mode = 'live'
  ), written_message as (
    insert into message (tenant_id, id, usage_day, mode, stream, from_address, subject, tags, attachment_count, content_bytes)
    select '${tenantId}', id, (now() at time zone 'utc')::date, 'live', 'transactional', 'app@acme.example',
           'Hello from the gateway', '{receipt}', 0, 2300 from new
  ), written_content as (
    insert into message_content (tenant_id, message_id, document) select '${tenantId}', id, '${document}' from new
  ), written_recipient as (
    insert into recipient (tenant_id, message_id, position, kind, address, status)
    select '${tenantId}', id, 0, 'to', 'user@example.net', 'queued' from new
  ), written_feed as (
    insert into feed (tenant_id, message_id, seq, type, mode, is_bulk)
    select '${tenantId}', id, nextval('event_seq'), 1, 'live', false from new
  )
  insert into outbox (message_id, tenant_id, mode, state, content_bytes, accepted_at)
  select id, '${tenantId}', 'live', 'ready', 2300, now() from new;
`
}

/** Accepting compared with Postgres itself writing the same rows, by pgbench, in batches like ours and one by one. */
export async function benchPostgresLimit(bed: TestBed): Promise<PartResult> {
  if (!pgbenchInstalled()) {
    const skipped = skippedFigure('accept compared with Postgres alone', 'pgbench is not installed')
    return { figures: [skipped], plots: [] }
  }
  await using gateway = await bed.startGateway({ worker: false })
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.adopt(await mkdtemp(join(tmpdir(), 'lettergate-pgbench-')), (it) =>
    rm(it, { recursive: true }),
  )
  const { apiKey, tenantId } = await gateway.createTenant()
  const accept = async () =>
    rateOf(
      await applyLoad({
        url: `${gateway.apiUrl}/v1/send`,
        key: apiKey,
        connections: CONNECTIONS,
        seconds: ROUND_SECONDS,
      }),
    )
  // The first request makes the tenant's quota row of today.
  await accept()
  const pgbench = async (shape: { clients: number; messages: number }) => {
    const script = join(folder, `${shape.messages}.sql`)
    await writeFile(script, insertScript(tenantUuid(tenantId), shape.messages).replaceAll('\n', ' '))
    const { clients, messages } = shape
    const rate = await runPgbench(gateway, script, { clients, seconds: ROUND_SECONDS })
    return rate * messages
  }
  const rates = { ours: [] as number[], batched: [] as number[], single: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    rates.batched.push(await pgbench(BATCH))
    rates.ours.push(await accept())
    rates.single.push(await pgbench(SINGLE))
  }
  const row = (name: string, reference: number[]) =>
    ratioFigure({
      name,
      ours: perSecond(median(rates.ours)),
      reference: `pgbench ${perSecond(median(reference))}`,
      ratio: median(rates.ours) / median(reference),
      bound: null,
      note: `rounds ${spread(rates.ours, perSecond)} and ${spread(reference, perSecond)}`,
    })
  return {
    figures: [
      row(`accept compared with Postgres alone, ${BATCH.messages} messages a commit`, rates.batched),
      row('accept compared with Postgres alone, a commit for each message', rates.single),
    ],
    plots: [],
  }
}
