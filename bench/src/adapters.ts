import { createEgress } from '@lettergate/egress/egress'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { loadExamples } from '@lettergate/providers/test/examples'
import { openHttpContender } from './adapter-over-http.ts'
import { openSmtpContender } from './adapter-over-smtp.ts'
import type { Contender } from './adapter-sender.ts'
import { type Figure, type PartResult, ratioFigure } from './figure.ts'
import { median, spread } from './statistics.ts'
import type { TestBed } from './test-bed.ts'

const ROUNDS = 3
const MESSAGES = 4_000
const AT_ONCE = 50
const OVERHEAD_MICROS_MAX = 300

/** The cost of each adapter per message beyond sending the bytes, with 50 concurrent messages, to a fake in a separate process. */
export async function benchAdapters(bed: TestBed): Promise<PartResult> {
  const providers = createProviders()
  const byId: Record<string, Provider> = providers
  const egress = createEgress({ allow: ['127.0.0.1'] })
  const figures: Figure[] = []
  for (const [id, example] of await loadExamples()) {
    const provider = byId[id]
    if (provider)
      figures.push(await measure(await openHttpContender(provider, example, egress), bed.count(MESSAGES)))
  }
  figures.push(await measure(await openSmtpContender(providers.smtp, egress), bed.count(MESSAGES)))
  await egress.close()
  return { figures, plots: [] }
}

async function measure(contender: Contender, count: number): Promise<Figure> {
  await using one = contender
  await cpuMicrosOf(count / 4, one.send)
  const bare = await one.toBare()
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(await cpuMicrosOf(count, bare.run))
    ours.push(await cpuMicrosOf(count, one.send))
  }
  const micros = (value: number) => `${Math.round(value)} µs`
  const overhead = median(ours) - median(theirs)
  const times = (median(ours) / median(theirs)).toFixed(2)
  return ratioFigure({
    name: `adapter ${one.id}: CPU beyond the ${bare.name}, over the bound`,
    ours: micros(overhead),
    reference: `bound ${OVERHEAD_MICROS_MAX} µs`,
    ratio: overhead / OVERHEAD_MICROS_MAX,
    bound: { atMost: 1 },
    note: [
      `rounds ${spread(ours, micros)}`,
      `${bare.name} with the same bytes ${spread(theirs, micros)}: ${times} of it`,
      ...(one.note ? [one.note()] : []),
    ].join(', '),
  })
}

/** Processor time of this process for each, with 50 in progress. */
async function cpuMicrosOf(count: number, work: (number: number) => Promise<void>): Promise<number> {
  let next = 0
  const before = process.cpuUsage()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await work(next++)
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}
