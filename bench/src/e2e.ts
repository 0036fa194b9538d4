import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, sesConnection } from '@lettergate/faults/gateway'
import { waitUntil } from '@lettergate/faults/ports'
import { startProvider } from '@lettergate/faults/provider-process'
import { type Figure, perSecond, ratioFigure, skippedFigure } from './figure.ts'
import { applyLoad } from './load.ts'
import { measurePostfix, postfixInstalled } from './postfix.ts'
import { smtpSinkInstalled, startSmtpSink } from './smtp-sink.ts'
import { median, spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const ROUNDS = 3
const MESSAGES = 10_000
const WARM_UP_MESSAGES = 2_000
const MESSAGE_BYTES = 2_300
const CONNECTIONS = 32
const ROUND_MS_MAX = 60_000
/** As many sessions as Postfix may hold to the same sink. */
const SMTP_SETTINGS = { host: '127.0.0.1', tls: 'none', allow_insecure: true, max_connections: 50 }

/** 10,000 messages from the first POST to the last hand-off, over HTTP and over SMTP, beside Postfix. */
export async function benchE2e(bed: TestBed): Promise<Figure[]> {
  const rates = { http: [] as number[], smtp: [] as number[], postfix: [] as number[] }
  const withSmtp = smtpSinkInstalled()
  const withPostfix = withSmtp && postfixInstalled()
  await using gateway = await bed.startGateway({ worker: true })
  await overHttp(gateway, WARM_UP_MESSAGES)
  for (let round = 0; round < ROUNDS; round++) {
    rates.http.push(await overHttp(gateway, MESSAGES))
    if (withSmtp) rates.smtp.push(await overSmtp(gateway, MESSAGES))
    if (withPostfix) rates.postfix.push((await measurePostfix(MESSAGES, MESSAGE_BYTES)).rate)
  }
  const queue = bed.redis ? 'Redis' : 'Postgres'
  return [
    figure(`end to end over HTTP, queue on ${queue}`, rates.http, rates.postfix, 4),
    withSmtp
      ? figure(`end to end over SMTP, queue on ${queue}`, rates.smtp, rates.postfix, 1.5)
      : skippedFigure('end to end over SMTP', 'smtp-sink (package postfix) is not installed'),
  ]
}

function figure(name: string, ours: number[], postfix: number[], atLeast: number): Figure {
  const note = `${MESSAGES.toLocaleString('en')} messages, rounds ${spread(ours, perSecond)}`
  if (postfix.length === 0) {
    const why = 'Postfix is not installed, or this is not root'
    return {
      ...skippedFigure(name, why),
      ours: perSecond(median(ours)),
      note: `${note}; no reference: ${why}`,
    }
  }
  return ratioFigure({
    name,
    ours: perSecond(median(ours)),
    reference: `Postfix ${perSecond(median(postfix))}`,
    ratio: median(ours) / median(postfix),
    bound: { atLeast },
    note: `${note}; Postfix ${spread(postfix, perSecond)}`,
  })
}

/** Messages per second to the fake provider: the ledger says when it took the last of them. */
async function overHttp(gateway: Gateway, count: number): Promise<number> {
  const provider = await startProvider()
  try {
    const { apiKey } = await gateway.createTenant()
    await createConnection(gateway.apiUrl, apiKey, sesConnection(provider.url))
    const start = Date.now()
    await post(gateway, apiKey, count)
    await waitUntil(`${count} hand-offs`, ROUND_MS_MAX, async () => (await provider.count()) >= count, 100)
    const last = (await provider.ledger())[count - 1]?.at ?? Number.NaN
    await drain(gateway)
    return (count / (last - start)) * 1_000
  } finally {
    await provider.stop()
  }
}

/** Messages per second to smtp-sink, which ends with the last of them. */
async function overSmtp(gateway: Gateway, count: number): Promise<number> {
  const sink = await startSmtpSink(count)
  try {
    const { apiKey } = await gateway.createTenant()
    const settings = { ...SMTP_SETTINGS, port: sink.port }
    await createConnection(gateway.apiUrl, apiKey, { provider: 'smtp', credentials: {}, settings })
    const start = performance.now()
    await post(gateway, apiKey, count)
    const end = await Promise.race([sink.allReceived, sleep(ROUND_MS_MAX, Number.NaN, { ref: false })])
    await drain(gateway)
    return (count / (end - start)) * 1_000
  } finally {
    await sink.stop()
  }
}

async function post(gateway: Gateway, key: string, count: number): Promise<void> {
  const url = `${gateway.apiUrl}/v1/send`
  const result = await applyLoad({ url, key, connections: CONNECTIONS, seconds: 60, count })
  if (result.refused > 0) throw new Error(`${result.refused} of ${result.requests} messages were refused`)
}

/** Requests that were in flight at the end were stored too: their retries must not run into the next round. */
async function drain(gateway: Gateway): Promise<void> {
  await sleep(300)
  await gateway.pool.query({ text: 'delete from outbox' })
}
