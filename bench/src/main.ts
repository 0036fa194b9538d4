import { parseArgs } from 'node:util'
import { readArguments } from '@lettergate/faults/read-arguments'
import { benchAccept } from './accept.ts'
import { benchAdapters } from './adapters.ts'
import { benchBacklog } from './backlog.ts'
import { benchBurst } from './burst.ts'
import { benchCallbacks } from './callbacks.ts'
import { benchDeadConnection } from './dead-connection.ts'
import { benchE2e } from './e2e.ts'
import { benchEvents } from './events.ts'
import { benchFairness } from './fairness.ts'
import { benchFeed } from './feed.ts'
import { type PartResult, skippedFigure } from './figure.ts'
import { benchHotTenant } from './hot-tenant.ts'
import { loadTool } from './load.ts'
import { describeMachine } from './machine.ts'
import { benchMemory } from './memory.ts'
import { benchPostgresLimit } from './postgres-limit.ts'
import { createProgress } from './progress.ts'
import { ratioPlot } from './ratio-plot.ts'
import { textTable } from './report.ts'
import { benchRules } from './rules.ts'
import { benchSmtp } from './smtp.ts'
import { benchInbound } from './smtp-inbound.ts'
import { benchStatus } from './status.ts'
import { createTestBed, type TestBed } from './test-bed.ts'
import { writePage } from './write-page.ts'

const USAGE = 'Usage: npm run bench [-- --only accept,e2e,…] [--quick] [--json]'

/** In the order of the page, with the seconds that each takes on two cores. */
const parts: Record<string, { run: (bed: TestBed) => Promise<PartResult>; seconds: number }> = {
  accept: { run: benchAccept, seconds: 33 },
  'hot-tenant': { run: benchHotTenant, seconds: 45 },
  rules: { run: benchRules, seconds: 45 },
  postgres: { run: benchPostgresLimit, seconds: 34 },
  e2e: { run: benchE2e, seconds: 76 },
  adapters: { run: benchAdapters, seconds: 25 },
  status: { run: benchStatus, seconds: 103 },
  backlog: { run: benchBacklog, seconds: 98 },
  fairness: { run: benchFairness, seconds: 58 },
  'dead-connection': { run: benchDeadConnection, seconds: 28 },
  burst: { run: benchBurst, seconds: 83 },
  memory: { run: benchMemory, seconds: 37 },
  events: { run: benchEvents, seconds: 150 },
  feed: { run: benchFeed, seconds: 60 },
  callbacks: { run: benchCallbacks, seconds: 90 },
  smtp: { run: benchSmtp, seconds: 90 },
  inbound: { run: benchInbound, seconds: 60 },
}

function readOptions(): { json: boolean; quick: boolean; chosen: string[]; isWhole: boolean } {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  })
  const chosen = values.only === undefined ? Object.keys(parts) : values.only.split(',')
  const wrong = chosen.filter((name) => !(name in parts))
  if (wrong.length > 0)
    throw new Error(`There is no part ${wrong.join(', ')}, but ${Object.keys(parts).join(', ')}.`)
  const { json, quick } = values
  return { json, quick, chosen, isWhole: values.only === undefined && !quick }
}

/** A part that fails is a row that says so: the others took minutes. */
async function runPart(name: string, bed: TestBed): Promise<PartResult> {
  try {
    return (await parts[name]?.run(bed)) ?? { figures: [], plots: [] }
  } catch (error) {
    process.exitCode = 1
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    return { figures: [skippedFigure(name, `it failed: ${error}`)], plots: [] }
  }
}

async function main(): Promise<void> {
  const { json, quick, chosen, isWhole } = readArguments(USAGE, readOptions)
  const estimates = Object.fromEntries(Object.entries(parts).map(([name, { seconds }]) => [name, seconds]))
  const progress = createProgress(chosen, estimates, (line) => process.stderr.write(line))
  await using bed = await createTestBed({ quick })
  const machine = { ...(await describeMachine(bed.cluster.version)), load: loadTool() }
  const result: PartResult = { figures: [], plots: [] }
  for (const name of chosen) {
    progress.begin(name)
    const { figures, plots } = await runPart(name, bed)
    result.figures.push(...figures)
    result.plots.push(...plots)
    progress.end(name)
  }
  process.stdout.write(
    json
      ? `${JSON.stringify({ machine, ...result }, null, 2)}\n`
      : textTable(result.figures, process.stdout.isTTY === true),
  )
  // A part of the run, or a quick one, must not replace the record of a whole one.
  if (isWhole) await writePage({ ...result, plots: [ratioPlot(result.figures), ...result.plots] }, machine)
}

await main()
