import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PartResult, perSecond, ratioFigure } from './figure.ts'
import { fillMessages, samplePaths, tenantUuid } from './fill-messages.ts'
import { applyLoad, rateOf } from './load.ts'
import { median, spread } from './statistics.ts'
import type { TestBed } from './test-bed.ts'

const ROUNDS = 3
const ROUND_SECONDS = 2
const CONNECTIONS = 32
/** Stored messages; the first is what the others are compared with. */
const LEVELS = [10_000, 1_000_000, 5_000_000]
const SAMPLE = 10_000
const SHARE_AT_LEAST = 0.5
const COST_AT_MOST = 1.5

type Level = { stored: number; reads: number[]; references: number[]; filledSeconds: number }

/** GET /v1/messages/{id} of random messages, with few and with many stored, beside the reference's own requests/s. */
export async function benchStatus(bed: TestBed): Promise<PartResult> {
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.adopt(await mkdtemp(join(tmpdir(), 'lettergate-paths-')), (it) =>
    rm(it, { recursive: true }),
  )
  const pathsFile = join(folder, 'paths')
  const gateway = cleanup.use(await bed.startGateway({ worker: false }))
  const reference = cleanup.use(await bed.startReference())
  const tenant = await gateway.createTenant()
  const tenantId = tenantUuid(tenant.tenantId)
  const load = { connections: CONNECTIONS, seconds: ROUND_SECONDS }
  const read = () => applyLoad({ ...load, url: gateway.apiUrl, key: tenant.apiKey, pathsFile })
  const levels: Level[] = []
  for (const stored of LEVELS.map(bed.count)) {
    const level: Level = { stored, reads: [], references: [], filledSeconds: 0 }
    const start = performance.now()
    await fillMessages(gateway.pool, [tenantId], stored - (levels.at(-1)?.stored ?? 0))
    // Data of the filling that is not on disk yet must not be written during a measurement.
    await gateway.pool.query({ text: 'checkpoint' })
    level.filledSeconds = Math.round((performance.now() - start) / 1_000)
    const paths = await samplePaths(gateway.pool, { tenantId, count: SAMPLE, stored })
    await writeFile(pathsFile, paths.join('\n'))
    await read()
    for (let round = 0; round < ROUNDS; round++) {
      level.references.push(rateOf(await applyLoad({ ...load, url: `${reference.url}/v1/send`, key: 'key' })))
      level.reads.push(rateOf(await read()))
    }
    levels.push(level)
  }
  return statusResult(levels)
}

function statusResult(levels: readonly Level[]): PartResult {
  const words = (count: number) => count.toLocaleString('en')
  const [few] = levels
  const many = levels.at(-1)
  if (!few || !many) throw new Error('there are no levels')
  const figures = levels.map((level) =>
    ratioFigure({
      name: `status read, ${words(level.stored)} stored`,
      ours: perSecond(median(level.reads)),
      reference: perSecond(median(level.references)),
      ratio: share(level),
      bound: { atLeast: SHARE_AT_LEAST },
      note: `rounds ${spread(level.reads, perSecond)}; filled in ${level.filledSeconds} s`,
    }),
  )
  const cost = ratioFigure({
    name: `status read, ${words(few.stored)} stored over ${words(many.stored)}`,
    ours: `${share(few).toFixed(2)} of the reference`,
    reference: `${share(many).toFixed(2)} of the reference`,
    ratio: share(few) / share(many),
    bound: { atMost: COST_AT_MOST },
  })
  const line = (name: string, pick: (level: Level) => number[]) => ({
    name,
    points: levels.map((level): [number, number] => [level.stored, Math.round(median(pick(level)))]),
  })
  return {
    figures: [...figures, cost],
    plots: [
      {
        kind: 'lines',
        file: 'status-reads-by-stored',
        title: 'Status reads per second by stored messages',
        x: { name: 'messages stored', logarithmic: true },
        unit: 'requests/s',
        series: [
          line('Lettergate, GET /v1/messages/{id}', ({ reads }) => reads),
          line('bare server', ({ references }) => references),
        ],
      },
    ],
  }
}

/** Reads per reference request: stretches of time are compared, and the machine may not be the same in all of them. */
function share({ reads, references }: Level): number {
  return median(reads) / median(references)
}
