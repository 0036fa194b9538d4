import { globSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeCommit, describeMachine } from './machine.ts'
import { readArguments } from './read-arguments.ts'
import { rewritePage } from './report-page.ts'
import { type FaultRow, rowsOf } from './report-table.ts'
import { runFile } from './run-faults-file.ts'
import { clock, createProgress } from './run-faults-progress.ts'

const USAGE = 'Usage: npm run faults [-- T2 T7 …] [--seeds N] [--json]; SEED=… repeats a run'
const PAGE = new URL('../../docs/faults.md', import.meta.url)
const FOLDER = fileURLToPath(new URL('../', import.meta.url))
const SEED_LIMIT = 2 ** 31

type Options = { wanted: string[]; files: string[]; seeds: number; json: boolean }

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seeds: { type: 'string', default: '1' }, json: { type: 'boolean', default: false } },
  })
  const seeds = Number(values.seeds)
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > 100) throw new Error('--seeds takes 1 to 100.')
  const wanted = positionals.map((test) => test.toUpperCase())
  const files = faultFiles()
  const unknown = wanted.filter((test) => !files.some((file) => holds(file, test)))
  if (unknown.length > 0) throw new Error(`There is no test ${unknown.join(', ')}.`)
  return { wanted, files, seeds, json: values.json }
}

function faultFiles(): string[] {
  return globSync('t*.fault.test.ts', { cwd: FOLDER }).sort(
    (a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)) || a.localeCompare(b),
  )
}

/** Whether a file holds that test: several may share one. */
function holds(file: string, test: string): boolean {
  return new RegExp(`['"\`]${test}\\b`).test(readFileSync(join(FOLDER, file), 'utf8'))
}

/** As many seeds as asked for; the first is SEED where that is set. */
function seedsOf(count: number): (number | undefined)[] {
  const given = process.env.SEED === undefined ? undefined : Number(process.env.SEED)
  return Array.from({ length: count }, (_, index) =>
    index === 0 ? given : Math.floor(Math.random() * SEED_LIMIT),
  )
}

/**
 * Files that judge no time shorter than some seconds and load the machine little or not for long: they run one after another beside the rest.
 * All in a single row took 26 minutes on two slow cores.
 */
const ASIDE = ['t02-l', 't12-c', 't21-h', 't27-', 't35-', 't36-', 't38-']
const isAside = (file: string) => ASIDE.some((start) => file.startsWith(start))

async function runFiles(
  chosen: readonly string[],
  seeds: number,
  say: NodeJS.WriteStream,
): Promise<FaultRow[]> {
  const progress = createProgress(chosen.length, say)
  const run = async (file: string): Promise<FaultRow[]> => {
    progress.begin(file)
    const runs = []
    for (const seed of seedsOf(seeds)) runs.push(await runFile(`faults/${file}`, seed))
    const rows = rowsOf(runs)
    progress.end(
      file,
      rows,
      runs.reduce((sum, run) => sum + run.seconds, 0),
    )
    const failed = runs.filter(({ tests }) => tests.some(({ status }) => status === 'failed'))
    for (const { output } of failed) say.write(`${output}\n`)
    return rows
  }
  const found = new Map<string, FaultRow[]>()
  const inTurn = async (queue: readonly string[]) => {
    for (const file of queue) found.set(file, await run(file))
  }
  await Promise.all([inTurn(chosen.filter((file) => !isAside(file))), inTurn(chosen.filter(isAside))])
  progress.close()
  return chosen.flatMap((file) => found.get(file) ?? [])
}

async function main(): Promise<void> {
  const { wanted, files, seeds, json } = readArguments(USAGE, readOptions)
  const chosen =
    wanted.length === 0 ? files : files.filter((file) => wanted.some((test) => holds(file, test)))
  const start = performance.now()
  const commit = await describeCommit()
  const rows = await runFiles(chosen, seeds, process.stderr)
  const elapsedMs = performance.now() - start
  const about = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    ...(await describeMachine()),
    run: `${files.length} files in ${clock(elapsedMs)} min, ${seeds === 1 ? 'one seed' : `${seeds} seeds`} each`,
  }
  // A part of a run replaces its rows, and leaves the text about the last whole run.
  const page = await readFile(PAGE, 'utf8')
  const isWhole = wanted.length === 0
  await writeFile(
    PAGE,
    rewritePage(page, {
      rows,
      commit,
      files: files.map((file) => basename(file)),
      about: isWhole ? about : undefined,
    }),
  )
  if (json) process.stdout.write(`${JSON.stringify({ about, rows }, null, 2)}\n`)
  const count = (status: FaultRow['status']) => rows.filter((row) => row.status === status).length
  process.stderr.write(
    `faults: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped in ${clock(elapsedMs)} min\n`,
  )
  process.exitCode = count('failed') === 0 ? 0 : 1
}

await main()
