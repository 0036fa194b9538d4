import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, sesConnection } from '@lettergate/faults/gateway'
import { waitUntil } from '@lettergate/faults/ports'
import type { Managed } from '@lettergate/faults/processes'
import { startProvider } from '@lettergate/faults/provider-process'
import type { RedisServer } from '@lettergate/faults/redis'
import { type Figure, memoryFigure, type PartResult } from './figure.ts'
import { fillBacklog, WHOLE_MAIL } from './fill-backlog.ts'
import { tenantUuid } from './fill-messages.ts'
import { applyLoad } from './load.ts'
import { residentMb } from './memory-of.ts'
import { watchMemory } from './memory-over-time.ts'
import type { Plot } from './plot.ts'
import { median } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const LOADED_MESSAGES = 20_000
const BACKLOG_MESSAGES = 200_000
/** This number of them is sent through the api, to see what the api keeps of each; the others are written into the tables. */
const POSTED_OF_BACKLOG = 20_000
/** Slow enough that nearly all of the backlog is still there when it is measured. */
const SLOW_PROVIDER_MS = 20_000
const CONNECTIONS = 32
const SETTLE_MS = 3_000
const SAMPLES = 5

type Memory = { api: number; worker: number; redis: number }

/** Resident memory idle, after load, and with 200,000 messages waiting behind a provider that hardly moves. */
export async function benchMemory(bed: TestBed): Promise<PartResult> {
  await using gateway = await bed.startGateway({ worker: true })
  const watch = watchMemory({ api: gateway.api.pid, worker: gateway.worker?.pid, redis: bed.redis?.pid })
  const backlog = bed.count(BACKLOG_MESSAGES).toLocaleString('en')
  const provider = await startProvider()
  try {
    const { apiKey, tenantId } = await gateway.createTenant()
    const measure = () => measureMemory(gateway, bed.redis)
    const idle = await measure()
    // The first change of a connection loads the client for management.
    await createConnection(gateway.apiUrl, apiKey, sesConnection(provider.url))
    const managing = await measure()
    await post(gateway, apiKey, LOADED_MESSAGES)
    await waitUntil(
      'the load to be sent',
      60_000,
      async () => (await provider.count()) >= LOADED_MESSAGES,
      200,
    )
    const loaded = await measure()
    await provider.script({ latencyMs: SLOW_PROVIDER_MS, rules: [] })
    await post(gateway, apiKey, bed.count(POSTED_OF_BACKLOG))
    const rest = bed.count(BACKLOG_MESSAGES - POSTED_OF_BACKLOG)
    await fillBacklog(gateway.pool, tenantUuid(tenantId), rest, WHOLE_MAIL)
    const waiting = await backlogOf(gateway)
    const all = memoryFigures({ idle, managing, loaded, backlog: await measure() }, waiting, backlog)
    const figures = bed.redis ? all : all.filter(({ name }) => !name.startsWith('redis'))
    const plot: Plot = {
      kind: 'lines',
      file: 'memory',
      title: `Resident memory: idle, 20,000 end to end, a backlog of ${backlog}`,
      x: { name: 'seconds' },
      unit: 'MB',
      series: await watch.stop(),
    }
    return { figures, plots: [plot] }
  } finally {
    await watch.stop()
    await provider.stop()
  }
}

function memoryFigures(
  { idle, managing, loaded, backlog }: Record<'idle' | 'managing' | 'loaded' | 'backlog', Memory>,
  waiting: number,
  size: string,
): Figure[] {
  const grown = (part: keyof Memory) =>
    memoryFigure(
      `${part} growth by a backlog of ${size}`,
      backlog[part] - loaded[part],
      50,
      `${loaded[part].toFixed(0)} → ${backlog[part].toFixed(0)} MB, ${waiting.toLocaleString('en')} waiting`,
    )
  return [
    memoryFigure('api memory, idle', idle.api, 150),
    memoryFigure('api memory, after the first change of a connection', managing.api, 240),
    memoryFigure('api memory, after 20,000 end to end', loaded.api, 300),
    memoryFigure('worker memory, idle', idle.worker, null),
    memoryFigure('worker memory, after 20,000 end to end', loaded.worker, null),
    grown('api'),
    grown('worker'),
    grown('redis'),
  ]
}

async function post(gateway: Gateway, key: string, count: number): Promise<void> {
  const result = await applyLoad({
    url: `${gateway.apiUrl}/v1/send`,
    key,
    connections: CONNECTIONS,
    seconds: 120,
    count,
  })
  if (result.refused > 0) throw new Error(`${result.refused} of ${result.requests} messages were refused`)
}

async function backlogOf(gateway: Gateway): Promise<number> {
  const { rows } = await gateway.pool.query<{ count: number }>({
    text: 'select count(*)::int as count from outbox',
  })
  return rows[0]?.count ?? 0
}

/** The median over some seconds: garbage collection moves single samples by tens of megabytes. */
async function measureMemory(gateway: Gateway, redis: RedisServer | undefined): Promise<Memory> {
  const samples: Memory[] = []
  const of = async (part: Managed | undefined) => (part ? await residentMb(part.pid) : 0)
  for (let sample = 0; sample < SAMPLES; sample++) {
    await sleep(SETTLE_MS / SAMPLES)
    samples.push({
      api: await of(gateway.api),
      worker: await of(gateway.worker),
      redis: await redisMb(redis),
    })
  }
  const middle = (part: keyof Memory) => median(samples.map((sample) => sample[part]))
  return { api: middle('api'), worker: middle('worker'), redis: middle('redis') }
}

async function redisMb(redis: RedisServer | undefined): Promise<number> {
  if (!redis) return 0
  const found = /used_memory:(\d+)/.exec(await redis.command('INFO memory'))
  return Number(found?.[1] ?? Number.NaN) / 2 ** 20
}
