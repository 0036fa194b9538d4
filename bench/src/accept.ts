import { type Figure, memoryFigure, type PartResult, perSecond, ratioFigure } from './figure.ts'
import { applyLoad, type LoadResult, rateOf } from './load.ts'
import { peakMb } from './memory-of.ts'
import { median, spread } from './statistics.ts'
import type { TestBed } from './test-bed.ts'

const ROUNDS = 3
const ROUND_SECONDS = 4
const WARM_UP_SECONDS = 2
const CONNECTIONS = 32

/** POST /v1/send of a 2.3 kB message, all rules on, beside the reference server in alternating rounds. */
export async function benchAccept(bed: TestBed): Promise<PartResult> {
  await using gateway = await bed.startGateway({ worker: false })
  await using reference = await bed.startReference()
  const tenant = await gateway.createTenant()
  const at = (url: string, key: string, seconds: number) =>
    applyLoad({ url: `${url}/v1/send`, key, connections: CONNECTIONS, seconds })
  const ours: LoadResult[] = []
  const theirs: LoadResult[] = []
  let peak = 0
  await at(reference.url, 'key', WARM_UP_SECONDS)
  await at(gateway.apiUrl, tenant.apiKey, WARM_UP_SECONDS)
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(await at(reference.url, 'key', ROUND_SECONDS))
    const loaded = await peakMb(gateway.api.pid, at(gateway.apiUrl, tenant.apiKey, ROUND_SECONDS))
    ours.push(loaded.result)
    peak = Math.max(peak, loaded.peak)
  }
  return { figures: acceptFigures(ours, theirs, peak), plots: [] }
}

function acceptFigures(ours: LoadResult[], theirs: LoadResult[], peak: number): Figure[] {
  const failures = ours.reduce((sum, { refused, broken }) => sum + refused + broken, 0)
  const p99 = (results: LoadResult[]) => median(results.map(({ p99Ms }) => p99Ms))
  const rate = (results: LoadResult[]) => median(results.map(rateOf))
  return [
    ratioFigure({
      name: 'accept, requests/s',
      ours: perSecond(rate(ours)),
      reference: perSecond(rate(theirs)),
      ratio: rate(ours) / rate(theirs),
      bound: { atLeast: 0.8 },
      note: `rounds ${spread(ours.map(rateOf), perSecond)} and ${spread(theirs.map(rateOf), perSecond)}; ${failures} refused or broken`,
    }),
    ratioFigure({
      name: 'accept, p99',
      ours: `${p99(ours).toFixed(1)} ms`,
      reference: `${p99(theirs).toFixed(1)} ms`,
      ratio: p99(ours) / p99(theirs),
      bound: { atMost: 4 },
    }),
    memoryFigure('api memory under accept load', peak, 300),
  ]
}
