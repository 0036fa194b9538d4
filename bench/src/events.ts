import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { insertProviderEvents } from '@lettergate/core/provider-events'
import type { Pool } from '@lettergate/db/pool'
import { benchEventBurst } from './event-burst.ts'
import { type PartResult, perSecond, ratioFigure, skippedFigure } from './figure.ts'
import { fillMessages, tenantUuid } from './fill-messages.ts'
import { pgbenchInstalled, runPgbench } from './pgbench.ts'
import { bodyOf, type Sent } from './postmark-event.ts'
import { median, spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const NAME = 'provider events applied/s, compared with Postgres storing the same requests'
/** A round each, so that every round has events which are new. */
const RECORDS = ['Delivery', 'Open', 'Click']
const EVENTS = 30_000
const STORED_AT_ONCE = 250
/** The first part of a round is the start of the worker. */
const WARM_UP_PART = 0.2
const LOOK_MS = 20
const ROUND_MS_MAX = 120_000
const REFERENCE = { clients: 8, seconds: 3 }
const RATIO_AT_LEAST = 0.5

/** Stores one request a commit, as the api does for a provider that sends them one by one, without any check. */
function storeScript(tenantId: string, body: string): string {
  const hex = Buffer.from(body).toString('hex')
  return `with stored as (
    insert into provider_event (tenant_id, connection_id, provider, headers, body)
    values ('${tenantId}', gen_random_uuid(), 'postmark', '{}', '\\x${hex}') returning id, received_at, tenant_id
  ) insert into provider_event_due (id, received_at, tenant_id, due_at)
    select id, received_at, tenant_id, now() + interval '1 day' from stored;`.replaceAll('\n', ' ')
}

/** What a worker applies of waiting events of messages of the last 30 days, beside pgbench that stores the same requests. */
export async function benchEvents(bed: TestBed): Promise<PartResult> {
  if (!pgbenchInstalled()) return { figures: [skippedFigure(NAME, 'pgbench is not installed')], plots: [] }
  await using gateway = await bed.startGateway({ worker: false })
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.adopt(await mkdtemp(join(tmpdir(), 'lettergate-pgbench-')), (it) =>
    rm(it, { recursive: true }),
  )
  const made = await gateway.createTenant()
  const tenantId = tenantUuid(made.tenantId)
  await fillMessages(gateway.pool, [tenantId], bed.count(EVENTS))
  const { rows: sent } = await gateway.pool.query<Sent>({
    text: `select message_id as id, address from recipient where tenant_id = $1 order by md5(message_id::text) limit $2`,
    values: [tenantId, bed.count(EVENTS)],
  })
  const [first] = sent
  if (!first) throw new Error('there are no messages')
  const script = join(folder, 'store.sql')
  await writeFile(script, storeScript(tenantId, bodyOf(first, 'Open')))
  const rates = { ours: [] as number[], reference: [] as number[] }
  for (const record of RECORDS) {
    rates.reference.push(await runPgbench(gateway, script, REFERENCE))
    await gateway.pool.query({ text: 'delete from provider_event_due' })
    rates.ours.push(await applyRate(gateway, tenantId, sent, record))
  }
  await expectApplied(gateway.pool, sent.length * RECORDS.length)
  const figure = ratioFigure({
    name: NAME,
    ours: perSecond(median(rates.ours)),
    reference: `pgbench ${perSecond(median(rates.reference))}`,
    ratio: median(rates.ours) / median(rates.reference),
    bound: { atLeast: RATIO_AT_LEAST },
    note: `rounds ${spread(rates.ours, perSecond)} and ${spread(rates.reference, perSecond)}; one event a request`,
  })
  const burst = await benchEventBurst(bed, gateway, made, sent)
  return { figures: [figure, burst], plots: [] }
}

async function storeEvents(gateway: Gateway, tenantId: string, bodies: readonly string[]): Promise<void> {
  const connectionId = crypto.randomUUID()
  for (let at = 0; at < bodies.length; at += STORED_AT_ONCE) {
    const raw = bodies.slice(at, at + STORED_AT_ONCE).map((body) => ({
      tenantId,
      connectionId,
      provider: 'postmark',
      headers: '{}',
      body: Buffer.from(body),
    }))
    await insertProviderEvents(gateway.pool, raw)
  }
}

async function applyRate(
  gateway: Gateway,
  tenantId: string,
  sent: readonly Sent[],
  record: string,
): Promise<number> {
  await storeEvents(
    gateway,
    tenantId,
    sent.map((message) => bodyOf(message, record)),
  )
  await gateway.pool.query({ text: 'checkpoint' })
  await using _ = await gateway.startWorker()
  return await watchRate(gateway.pool, sent.length * (1 - WARM_UP_PART))
}

/** Events per second from the time that this many are left to the last one. */
async function watchRate(pool: Pool, from: number): Promise<number> {
  const until = performance.now() + ROUND_MS_MAX
  let begun: { left: number; at: number } | null = null
  while (performance.now() < until) {
    const { rows } = await pool.query<{ left: number }>({
      text: 'select count(*)::int4 as left from provider_event_due',
    })
    const left = rows[0]?.left ?? 0
    const at = performance.now()
    if (left <= from) begun ??= { left, at }
    if (left === 0) {
      if (!begun || begun.left === 0) throw new Error('the events were applied before they could be watched')
      return (begun.left / (at - begun.at)) * 1_000
    }
    await sleep(LOOK_MS)
  }
  throw new Error('the events were not applied in time')
}

async function expectApplied(pool: Pool, wanted: number): Promise<void> {
  const { rows } = await pool.query<{ applied: number }>({
    text: 'select count(*)::int4 as applied from event where source is not null',
  })
  if (rows[0]?.applied !== wanted) throw new Error(`${rows[0]?.applied} of ${wanted} events were applied`)
}
