import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Figure, perSecond, ratioFigure } from './figure.ts'
import { fillMessages, samplePaths, tenantUuid } from './fill-messages.ts'
import { applyLoad, rateOf } from './load.ts'
import { median, spread } from './statistics.ts'
import type { TestBed } from './test-bed.ts'

const ROUNDS = 3
const ROUND_SECONDS = 4
const CONNECTIONS = 32
const FEW = 10_000
const MANY = 2_000_000
const SAMPLE = 10_000

/** GET /v1/messages/{id} of random messages, with few and with many stored, beside the reference's own requests/s. */
export async function benchStatus(bed: TestBed): Promise<Figure[]> {
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

  async function rounds(): Promise<{ reads: number[]; references: number[] }> {
    await writeFile(pathsFile, (await samplePaths(gateway.pool, tenantId, SAMPLE)).join('\n'))
    const read = () => applyLoad({ ...load, url: gateway.apiUrl, key: tenant.apiKey, pathsFile })
    await read()
    const reads: number[] = []
    const references: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      references.push(rateOf(await applyLoad({ ...load, url: `${reference.url}/v1/send`, key: 'key' })))
      reads.push(rateOf(await read()))
    }
    return { reads, references }
  }

  await fillMessages(gateway.pool, tenantId, FEW)
  const few = await rounds()
  const start = performance.now()
  await fillMessages(gateway.pool, tenantId, MANY - FEW)
  const filledSeconds = Math.round((performance.now() - start) / 1_000)
  const many = await rounds()
  return statusFigures(few, many, filledSeconds)
}

type Rounds = { reads: number[]; references: number[] }

function statusFigures(few: Rounds, many: Rounds, filledSeconds: number): Figure[] {
  const row = (name: string, { reads, references }: Rounds) =>
    ratioFigure({
      name,
      ours: perSecond(median(reads)),
      reference: perSecond(median(references)),
      ratio: share({ reads, references }),
      bound: { atLeast: 0.5 },
      note: `rounds ${spread(reads, perSecond)}`,
    })
  return [
    row('status read, 10 thousand stored', few),
    row('status read, 2 million stored', many),
    ratioFigure({
      name: 'status read, cost of 2 million over 10 thousand',
      ours: `${share(many).toFixed(2)} of the reference`,
      reference: `${share(few).toFixed(2)} of the reference`,
      ratio: share(few) / share(many),
      bound: { atMost: 1.5 },
      note: `filled in ${filledSeconds} s`,
    }),
  ]
}

/** Reads per reference request: two stretches of time are compared, and the machine may not be the same in both. */
function share({ reads, references }: Rounds): number {
  return median(reads) / median(references)
}
