import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, sesConnection } from '@lettergate/faults/gateway'
import { waitUntil } from '@lettergate/faults/ports'
import { type CpuTimes, cpuNote, cpuPerMessage, cpuTimes } from './cpu-per-message.ts'
import { type Figure, type PartResult, perSecond, ratioFigure, skippedFigure } from './figure.ts'
import { startHttpSink } from './http-sink.ts'
import { applyLoad, type LoadResult } from './load.ts'
import { measurePostfix, postfixInstalled } from './postfix.ts'
import { smtpSinkInstalled, startSmtpSink } from './smtp-sink.ts'
import { median, spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const ROUNDS = 3
const MESSAGES = 10_000
/** 10,000 take it half a minute a round where the disk is slow, and tell no more: in turn, 279 to 410/s with 4,000 and 303 to 386/s with 10,000. */
const POSTFIX_MESSAGES = 4_000
const WARM_UP_MESSAGES = 5_000
const MESSAGE_BYTES = 2_300
const CONNECTIONS = 32
const ROUND_MS_MAX = 60_000
/** As many sessions as Postfix may hold to the same sink. */
const SMTP_SETTINGS = { host: '127.0.0.1', tls: 'none', allow_insecure: true, max_connections: 50 }
const HTTP_AT_LEAST = 6
const SMTP_AT_LEAST = 2.5

type Round = { rate: number; cpu: CpuTimes }

/** 10,000 messages from the first POST to the last attempt, over HTTP and over SMTP, beside Postfix. */
export async function benchE2e(bed: TestBed): Promise<PartResult> {
  const [http, smtp, postfix]: [Round[], Round[], number[]] = [[], [], []]
  const withSmtp = smtpSinkInstalled()
  const withPostfix = withSmtp && postfixInstalled()
  await using gateway = await bed.startGateway({ worker: true })
  await overHttp(bed, gateway, WARM_UP_MESSAGES)
  for (let round = 0; round < ROUNDS; round++) {
    http.push(await overHttp(bed, gateway, MESSAGES))
    if (withSmtp) smtp.push(await overSmtp(bed, gateway, MESSAGES))
    if (withPostfix) postfix.push((await measurePostfix(POSTFIX_MESSAGES, MESSAGE_BYTES)).rate)
  }
  const queue = bed.redis ? 'Redis' : 'Postgres'
  const figures = [
    figure(`end to end over HTTP, queue on ${queue}`, http, postfix, HTTP_AT_LEAST),
    withSmtp
      ? figure(`end to end over SMTP, queue on ${queue}`, smtp, postfix, SMTP_AT_LEAST)
      : skippedFigure('end to end over SMTP', 'smtp-sink (package postfix) is not installed'),
  ]
  return { figures, plots: [] }
}

function figure(name: string, rounds: readonly Round[], postfix: number[], atLeast: number): Figure {
  const ours = rounds.map(({ rate }) => rate)
  const cpu = cpuNote(rounds.map((round) => round.cpu))
  const note = `${MESSAGES.toLocaleString('en')} messages (Postfix: ${POSTFIX_MESSAGES.toLocaleString('en')}), rounds ${spread(ours, perSecond)}`
  if (postfix.length === 0) {
    const why = 'Postfix is not installed, or this is not root'
    return {
      ...skippedFigure(name, why),
      ours: perSecond(median(ours)),
      note: `${note}; no reference: ${why}; ${cpu}`,
    }
  }
  return ratioFigure({
    name,
    ours: perSecond(median(ours)),
    reference: `Postfix ${perSecond(median(postfix))}`,
    ratio: median(ours) / median(postfix),
    bound: { atLeast },
    note: `${note}; Postfix ${spread(postfix, perSecond)}; ${cpu}`,
  })
}

/** To the HTTP sink, which counts every message once and says when it had them all. */
async function overHttp(bed: TestBed, gateway: Gateway, count: number): Promise<Round> {
  await using sink = await startHttpSink()
  const { apiKey } = await gateway.createTenant()
  await createConnection(gateway.apiUrl, apiKey, sesConnection(sink.url))
  const before = cpuTimes(bed, gateway, sink.pid)
  const start = Date.now()
  const load = await post(gateway, apiKey, count)
  const end = await sink.reached(count, ROUND_MS_MAX)
  await untilDone(gateway)
  const { taken, repeats, unnamed } = await sink.report()
  if (repeats + unnamed > 0) throw new Error(`${repeats} messages came twice, ${unnamed} without an id`)
  const cpu = cpuPerMessage(before, cpuTimes(bed, gateway, sink.pid), taken)
  return { rate: (count / (end - start)) * 1_000, cpu: { ...cpu, load: load.cpuMicros / taken } }
}

/** To smtp-sink, which ends with the last of them, so that what it cost is not known. */
async function overSmtp(bed: TestBed, gateway: Gateway, count: number): Promise<Round> {
  const sink = await startSmtpSink(count)
  try {
    const { apiKey } = await gateway.createTenant()
    const settings = { ...SMTP_SETTINGS, port: sink.port }
    await createConnection(gateway.apiUrl, apiKey, { provider: 'smtp', credentials: {}, settings })
    const before = cpuTimes(bed, gateway, 0)
    const start = performance.now()
    const load = await post(gateway, apiKey, count)
    const end = await Promise.race([sink.allReceived, sleep(ROUND_MS_MAX, Number.NaN, { ref: false })])
    const { sink: _, ...cpu } = cpuPerMessage(before, cpuTimes(bed, gateway, 0), count)
    // Requests that were in flight at the end were stored too, and their sink is gone.
    await sleep(300)
    await gateway.pool.query({ text: 'delete from outbox' })
    return { rate: (count / (end - start)) * 1_000, cpu: { ...cpu, load: load.cpuMicros / count } }
  } finally {
    await sink.stop()
  }
}

async function post(gateway: Gateway, key: string, count: number): Promise<LoadResult> {
  const url = `${gateway.apiUrl}/v1/send`
  const result = await applyLoad({ url, key, connections: CONNECTIONS, seconds: 60, count })
  if (result.refused > 0) throw new Error(`${result.refused} of ${result.requests} messages were refused`)
  return result
}

/** Requests that were in flight at the end were stored too, and are sent as well. */
async function untilDone(gateway: Gateway): Promise<void> {
  await waitUntil('the backlog to be empty', ROUND_MS_MAX, async () => {
    const { rowCount } = await gateway.pool.query({ text: 'select 1 from outbox limit 1' })
    return rowCount === 0
  })
}
