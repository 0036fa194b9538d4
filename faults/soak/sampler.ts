import { setTimeout as sleep } from 'node:timers/promises'
import { postgresPrivateMb, readCpu, residentMb } from './proc.ts'
import type { Part, SoakStack } from './soak-stack.ts'

export const memoryParts = ['api', 'worker', 'postgres', 'redis'] as const
export type MemoryPart = (typeof memoryParts)[number]

export type Sample = {
  /** Seconds since the load began. */
  at: number
  /** No fault is at work, and the last one has been recovered from. */
  quiet: boolean
  /** How long the oldest message that is due has been waiting; null: the database did not answer. */
  queueAgeMs: number | null
  /** Messages due and not in a provider's hands. */
  due: number | null
  /** How long the oldest request has been waiting for an answer. */
  requestAgeMs: number
  /** Attempts a second since the sample before. */
  rate: number
  /** Part of the machine's processors that was busy since the sample before. */
  cpu: number
  /** Part of it that the machine's host gave to others (steal time). */
  stolen: number
  /** How far the wall clock has been set since the load began, in ms: it against a clock that only goes forward. */
  clockMs: number
  /** In MB; worker: the mean of its processes. Only of parts whose processes are no longer young. */
  memory: Partial<Record<MemoryPart, number>>
  /** 99th percentile since the last sample, in ms; absent when it did not answer. */
  eventLoop: Partial<Record<'api' | 'worker', number>>
}

const EVERY_MS = 1_000
/** Memory and event loop are sampled less often. */
const HEAVY_EVERY = 5
/** A process grows to its usual size in its first half minute. */
const YOUNG_MS = 30_000
const ANSWER_MS_MAX = 1_000

const DUE = `select count(*)::int4 as due,
                    coalesce(extract(epoch from now() - min(due_at)) * 1000, 0)::float8 as age
             from outbox where state <> 'sending' and due_at <= now()`

export type Sampler = {
  samples: Sample[]
  /** Whether samples from here on count as undisturbed. */
  setQuiet(quiet: boolean): void
  /** Seconds since the load began. */
  now(): number
  stop(): Promise<void>
}

/** Looks at everything once a second, for as long as it is not stopped; a part that does not answer is left out. */
export function startSampler(stack: SoakStack, onSample: (sample: Sample) => void): Sampler {
  const samples: Sample[] = []
  const [start, wallStart] = [performance.now(), Date.now()]
  const born = new Map<number, number>()
  let [quiet, done] = [true, false]

  const isGrown = (pid: number) => {
    if (!born.has(pid)) born.set(pid, performance.now())
    return performance.now() - (born.get(pid) ?? 0) > YOUNG_MS
  }

  async function memory(): Promise<Sample['memory']> {
    const workers = stack.workers.map((worker) => worker.current().pid)
    const pids = { api: stack.api.current().pid, postgres: stack.cluster.pid, redis: stack.redis?.pid }
    const found: Sample['memory'] = {}
    if (isGrown(pids.api)) found.api = await residentMb(pids.api)
    if (workers.map(isGrown).every(Boolean)) {
      const sizes = await Promise.all(workers.map(residentMb))
      found.worker = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
    }
    if (isGrown(pids.postgres)) found.postgres = await postgresPrivateMb(pids.postgres)
    if (pids.redis !== undefined && isGrown(pids.redis)) found.redis = await residentMb(pids.redis)
    return found
  }

  async function eventLoop(): Promise<Sample['eventLoop']> {
    const lag = (parts: Part[]) => Promise.all(parts.map(eventLoopMs))
    const worst = (values: (number | undefined)[]) => Math.max(...values.flatMap((value) => value ?? []))
    const [api, worker] = [worst(await lag([stack.api])), worst(await lag(stack.workers))]
    return { ...(Number.isFinite(api) && { api }), ...(Number.isFinite(worker) && { worker }) }
  }

  async function run(): Promise<void> {
    let before = { at: start, count: await stack.provider.count(), cpu: await readCpu() }
    for (let tick = 0; !done; tick++) {
      await sleep(Math.max(0, before.at + EVERY_MS - performance.now()))
      const wasQuiet = quiet
      const [queue, count, cpu] = [await readQueue(stack), await stack.provider.count(), await readCpu()]
      const isHeavy = tick % HEAVY_EVERY === 0
      const at = performance.now()
      const sample: Sample = {
        at: (at - start) / 1_000,
        quiet: wasQuiet && quiet,
        ...queue,
        requestAgeMs: stack.ledger.oldestMs(),
        rate: (count - before.count) / ((at - before.at) / 1_000),
        cpu: (cpu.busy - before.cpu.busy) / Math.max(1, cpu.total - before.cpu.total),
        stolen: (cpu.stolen - before.cpu.stolen) / Math.max(1, cpu.total - before.cpu.total),
        clockMs: Date.now() - wallStart - (performance.now() - start),
        memory: isHeavy ? await memory() : {},
        eventLoop: isHeavy ? await eventLoop() : {},
      }
      before = { at, count, cpu }
      samples.push(sample)
      onSample(sample)
    }
  }

  let failure: unknown
  const running = run().catch((error: unknown) => {
    failure = error
  })
  return {
    samples,
    setQuiet(now) {
      quiet = now
    },
    now: () => (performance.now() - start) / 1_000,
    async stop() {
      done = true
      await running
      if (failure) throw failure
    },
  }
}

async function readQueue(stack: SoakStack): Promise<Pick<Sample, 'queueAgeMs' | 'due'>> {
  const asked = stack.pool.query<{ due: number; age: number }>({ text: DUE }).then(
    ({ rows: [row] }) => (row ? { queueAgeMs: row.age, due: row.due } : null),
    () => null,
  )
  const late = sleep(ANSWER_MS_MAX, null, { ref: false })
  return (await Promise.race([asked, late])) ?? { queueAgeMs: null, due: null }
}

async function eventLoopMs({ metricsUrl }: Part): Promise<number | undefined> {
  const text = await fetch(metricsUrl, { signal: AbortSignal.timeout(ANSWER_MS_MAX) }).then(
    (response) => response.text(),
    () => '',
  )
  const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}
