import { parseArgs } from 'node:util'
import { describeCommit, describeMachine } from '../src/machine.ts'
import { readArguments } from '../src/read-arguments.ts'
import { soak } from './soak.ts'
import { summaryOf, writeRecord } from './soak-page.ts'
import { violationsOf } from './soak-verdict.ts'
import { createStatusLine } from './status-line.ts'

const USAGE = 'Usage: npm run soak [-- --minutes N] [--seed S] [--rate PER_SECOND] [--record] [--json]'
/** Shorter runs are for trying things out, and do not replace the record. */
const RECORD_MINUTES_MIN = 10

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '20' },
      seed: { type: 'string' },
      rate: { type: 'string' },
      record: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const minutes = Number(values.minutes)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  const perSecond = values.rate === undefined ? undefined : Number(values.rate)
  const isWrong = !(minutes >= 1 && minutes <= 24 * 60) || !Number.isInteger(seed) || !((perSecond ?? 1) > 0)
  if (isWrong) throw new Error('Minutes are 1 to 1440, a seed is a whole number.')
  return {
    minutes,
    seed,
    perSecond,
    json: values.json,
    isRecord: values.record || minutes >= RECORD_MINUTES_MIN,
  }
}

async function main(): Promise<void> {
  const { json, isRecord, ...options } = readArguments(USAGE, readOptions)
  const line = createStatusLine(process.stderr)
  line.say(`soak: ${options.minutes} min, seed ${options.seed}`)
  const about = {
    date: new Date().toISOString().slice(0, 10),
    commit: await describeCommit(),
    ...(await describeMachine()),
  }
  const result = { about, ...(await soak(options, line)) }
  line.close()
  const violations = violationsOf(result)
  if (json) {
    const { samples, ...rest } = result
    process.stdout.write(`${JSON.stringify({ ...rest, violations, samples }, null, 2)}\n`)
  } else process.stdout.write(summaryOf(result, violations))
  if (isRecord) await writeRecord(result, violations)
  process.exitCode = violations.length === 0 ? 0 : 1
}

await main()
