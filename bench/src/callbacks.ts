import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { appendEvents, notify } from '@lettergate/core/lib'
import { inParallel } from '@lettergate/faults/client'
import { Agent } from 'undici'
import type { CallbackReport } from './callback-sink-main.ts'
import { type PartResult, perSecond, ratioFigure } from './figure.ts'
import { fillMessages, tenantUuid } from './fill-messages.ts'
import { type ForkedSink, forkSink } from './fork-sink.ts'
import { median, spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const TENANTS = 8
const EVENTS = 32_000
const ROUNDS = 3
/** The first part of a round is the start of the worker. */
const WARM_UP_PART = 0.2
const LOOK_MS = 20
const ROUND_MS_MAX = 120_000
const RATIO_AT_LEAST = 0.45
/** As many as a worker has calls in progress. */
const REFERENCE_CALLS = 128
const STEADY = { seconds: 15, perSecond: 160 }
const HANG_OVER_ALONE_AT_MOST = 1.1
/** About as long as an event of the gateway. */
const BODY = JSON.stringify({
  type: 'recipient.delivered',
  timestamp: 'x'.repeat(24),
  data: { text: 'x'.repeat(420) },
})

type Party = { tenantId: string; key: string }

async function ask(sink: ForkedSink, reset: boolean): Promise<CallbackReport> {
  sink.child.send({ reset })
  const [report] = (await once(sink.child, 'message')) as [CallbackReport]
  return report
}

/** Events of this number of messages of each tenant, from now. */
async function happen(gateway: Gateway, parties: readonly Party[], each: number): Promise<void> {
  for (const { tenantId } of parties) {
    await gateway.pool.query({
      text: `with ${appendEvents(`
        select tenant_id, message_id, position, 'recipient.delivered' as type, '{}'::json as data, 'live' as mode, false as is_bulk,
               null::uuid as connection_id
        from (select * from recipient where tenant_id = $1 and position = 0 order by random() limit $2) r`)}
        select count(*) from new_event`,
      values: [tenantId, each],
    })
  }
  await notify(gateway.pool, [
    { channel: 'lg_feed', payload: parties.map(({ tenantId }) => tenantId).join(',') },
  ])
}

/** Calls per second from the time that the sink had `from` calls to the time that it had `to`. */
async function watchRate(sink: ForkedSink, from: number, to: number): Promise<number> {
  const until = performance.now() + ROUND_MS_MAX
  let begun: { calls: number; at: number } | null = null
  while (performance.now() < until) {
    const { calls } = await ask(sink, false)
    const at = performance.now()
    if (calls >= from) begun ??= { calls, at }
    if (begun && calls >= to) return ((calls - begun.calls) / (at - begun.at)) * 1_000
    await sleep(LOOK_MS)
  }
  throw new Error('the calls did not come in time')
}

async function bareRate(sink: ForkedSink, count: number): Promise<number> {
  await using cleanup = new AsyncDisposableStack()
  const agent = cleanup.adopt(new Agent({ connections: REFERENCE_CALLS }), (it) => it.close())
  const origin = `http://127.0.0.1:${sink.port}`
  await ask(sink, true)
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'x'.repeat(40),
    'webhook-signature': 'x'.repeat(50),
  }
  const call = async () => {
    const { body } = await agent.request({ origin, path: '/bare', method: 'POST', headers, body: BODY })
    await body.dump()
  }
  const [rate] = await Promise.all([
    watchRate(sink, count * WARM_UP_PART, count),
    inParallel(count, REFERENCE_CALLS, call),
  ])
  return rate
}

const p99 = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN

/** How old events are when they arrive, while events happen at a steady rate. */
async function ages(gateway: Gateway, sink: ForkedSink, parties: readonly Party[]): Promise<number[]> {
  await ask(sink, true)
  for (let i = 0; i < STEADY.seconds * 10; i++) {
    const next = performance.now() + 100
    await happen(gateway, parties, STEADY.perSecond / 10 / TENANTS)
    await sleep(Math.max(0, next - performance.now()))
  }
  await sleep(1_000)
  return (await ask(sink, false)).agesMs
}

/** Callbacks of a worker beside a bare loop of calls to the same receiver, and what an endpoint that hangs costs others. */
export async function benchCallbacks(bed: TestBed): Promise<PartResult> {
  await using sink = await forkSink('callback-sink-main.ts')
  await using gateway = await bed.startGateway({ worker: false })
  const events = bed.count(EVENTS)
  const parties: Party[] = []
  const addEndpoint = async (key: string, path: string) => {
    const response = await fetch(`${gateway.apiUrl}/v1/endpoints`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url: `http://127.0.0.1:${sink.port}${path}` }),
    })
    if (response.status !== 201) throw new Error(`no endpoint was made: ${await response.text()}`)
  }
  for (let i = 0; i < TENANTS; i++) {
    const made = await gateway.createTenant()
    parties.push({ tenantId: tenantUuid(made.tenantId), key: made.apiKey })
  }
  const tenantIds = parties.map(({ tenantId }) => tenantId)
  await fillMessages(gateway.pool, tenantIds, Math.ceil(events / TENANTS))
  for (const { key } of parties) await addEndpoint(key, '/hook')
  const rates = { ours: [] as number[], bare: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    rates.bare.push(await bareRate(sink, events))
    await happen(gateway, parties, events / TENANTS)
    await ask(sink, true)
    await using _ = await gateway.startWorker()
    rates.ours.push(await watchRate(sink, events * WARM_UP_PART, events))
  }
  await using _ = await gateway.startWorker()
  const alone = await ages(gateway, sink, parties)
  const [first] = parties
  if (first) await addEndpoint(first.key, '/hang')
  const beside = await ages(gateway, sink, parties)
  const wanted = STEADY.seconds * STEADY.perSecond
  if (alone.length < wanted || beside.length < wanted)
    throw new Error(`${alone.length} and ${beside.length} of ${wanted} calls came`)
  return {
    figures: [
      ratioFigure({
        name: 'callbacks/s, compared with a bare loop of calls to the same receiver',
        ours: perSecond(median(rates.ours)),
        reference: `undici ${perSecond(median(rates.bare))}`,
        ratio: median(rates.ours) / median(rates.bare),
        bound: { atLeast: RATIO_AT_LEAST },
        note: `rounds ${spread(rates.ours, perSecond)} and ${spread(rates.bare, perSecond)}; ${TENANTS} endpoints`,
      }),
      ratioFigure({
        name: 'age of events that arrive at endpoints, p99, beside one that hangs',
        ours: `${p99(beside).toFixed(0)} ms`,
        reference: `alone ${p99(alone).toFixed(0)} ms`,
        ratio: p99(beside) / p99(alone),
        bound: { atMost: HANG_OVER_ALONE_AT_MOST },
        note: `${STEADY.perSecond} events a second; the one that hangs answers after 30 s`,
      }),
    ],
    plots: [],
  }
}
