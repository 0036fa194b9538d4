import type { FaultResult, ReportLine } from './report.ts'
import type { FileRun, TestOutcome } from './run-faults-file.ts'

/** One row of docs/faults.md, ready to be written. */
export type FaultRow = {
  file: string
  test: string
  fault: string
  n: string
  seeds: string
  result: string
  bound: string
  control: string
  status: 'passed' | 'failed' | 'skipped'
}

const NONE = '–'
const CONTROL = / control\b/

/** The rows of one file from all its runs, one for each seed. */
export function rowsOf(runs: readonly FileRun[]): FaultRow[] {
  const file = runs[0]?.file ?? ''
  const results = runs.flatMap(({ report }) => withSeeds(report))
  const own = Object.entries(Object.groupBy(results, ({ test }) => test))
  const rows = own.flatMap(([test, measured = []]) =>
    CONTROL.test(test) ? [] : [measuredRow(file, test, measured)],
  )
  const controls = own.filter(([test]) => CONTROL.test(test))
  for (const [test, measured = []] of controls) attachControl(rows, test, controlText(measured))
  for (const run of runs) for (const outcome of run.tests) mark(rows, file, outcome, run)
  if (rows.length === 0)
    rows.push(emptyRow(file, testOf(file), '**failed**: it passed and reported nothing', 'failed'))
  return rows
}

type Measured = FaultResult & { seed: number | undefined }

/** A result belongs to the seed that was drawn last: a test announces its seed first and reports last. */
function withSeeds(report: readonly ReportLine[]): Measured[] {
  let seed: number | undefined
  return report.flatMap((line) => {
    if (line.kind === 'seed') seed = line.seed
    return line.kind === 'result' ? [{ ...line, seed }] : []
  })
}

function measuredRow(file: string, test: string, measured: readonly Measured[]): FaultRow {
  return {
    file,
    test,
    control: NONE,
    status: 'passed',
    fault: distinct(measured.map(({ fault }) => fault)),
    n: distinct(measured.map(({ n }) => n.toLocaleString('en'))),
    seeds: distinct(measured.flatMap(({ seed }) => seed ?? [])) || NONE,
    result: distinct(measured.map(({ result }) => result)),
    bound: distinct(measured.map(({ bound }) => bound)),
  }
}

function emptyRow(file: string, test: string, result: string, status: FaultRow['status']): FaultRow {
  return {
    file,
    test,
    result,
    status,
    fault: NONE,
    n: NONE,
    seeds: NONE,
    bound: NONE,
    control: NONE,
  }
}

function controlText(measured: readonly Measured[]): string {
  return distinct(measured.map(({ fault, result }) => `${fault}: ${result}`))
}

/** To the row of its own name; else to the file's first, which is the guarantee itself. */
function attachControl(rows: FaultRow[], test: string, text: string): void {
  const named = test.replace(/ control\b.*$/, '')
  const row = rows.find((candidate) => candidate.test === named) ?? rows[0]
  if (row) row.control = row.control === NONE ? text : `${row.control}<br>${text}`
}

/** A test that did not pass is shown in place of its measurement. */
function mark(rows: FaultRow[], file: string, outcome: TestOutcome, run: FileRun): void {
  if (outcome.status === 'passed') return
  const text = outcome.status === 'failed' ? failureText(outcome, run) : `skipped: ${skipText(run)}`
  const isControl = CONTROL.test(outcome.test)
  const test = outcome.test.replace(/ control\b.*$/, '') || testOf(file)
  let row = rows.find((candidate) => candidate.test === test)
  if (!row) {
    row = emptyRow(file, test, isControl ? NONE : text, outcome.status)
    rows.push(row)
  }
  if (isControl) row.control = text
  else row.result = text
  if (row.status !== 'failed')
    row.status = isControl && outcome.status === 'skipped' ? row.status : outcome.status
}

function failureText({ failure }: TestOutcome, run: FileRun): string {
  const seeds = run.report.flatMap((line) => (line.kind === 'seed' ? [line.seed] : []))
  const seed = seeds.length > 0 ? ` with SEED=${seeds.at(-1)}` : ''
  return `**failed**${seed}: ${failure.split('\n')[0]}`
}

/** The missing requirement that the file noted, or printed on its own line: "T16: skipped, no tmpfs". */
function skipText({ report, output }: FileRun): string {
  const missing = report.flatMap((line) => (line.kind === 'missing' ? [line.what] : []))
  const said = [...output.matchAll(/^T\d+: skipped, (.+)$/gm)].map(([, why]) => why ?? '')
  return distinct([...missing, ...said]) || 'it does not say why'
}

/** t07-redis-killed.fault.test.ts tests T7. */
export function testOf(file: string): string {
  return `T${Number(/^t(\d+)/.exec(file)?.[1])}`
}

function distinct(values: readonly (string | number)[]): string {
  return [...new Set(values)].join('<br>')
}
