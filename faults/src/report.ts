import { appendFileSync } from 'node:fs'

/** One row of docs/faults.md. */
export type FaultResult = {
  /** As in the table: T7; a variant or a negative control adds words ("T7 control"). */
  test: string
  /** The fault, in one clause: "Redis killed and started 5 times, with AOF". */
  fault: string
  /** Messages, requests or rounds that the guarantee was held against. */
  n: number
  /** The result, in figures: "0 lost, 0 repeats, 12 unknown in 10 kills". */
  result: string
  /** The required result: "0 lost, 0 repeats, unknown ≤ in flight". */
  bound: string
}

/** The report of a test for `npm run faults`, one JSON a line, in the order in which it happened. */
export type ReportLine =
  | ({ kind: 'result' } & FaultResult)
  | { kind: 'seed'; test: string; seed: number }
  /** Something this machine lacks, so that tests that need it are skipped. */
  | { kind: 'missing'; what: string }

/** Reports the measurements of a test to a person, and to `npm run faults` by the file that FAULTS_REPORT names. Call it last. */
export function reportResult(result: FaultResult): void {
  const { test, fault, n, bound } = result
  process.stdout.write(`${test}: ${fault}; N=${n}; ${result.result} (bound: ${bound})\n`)
  append({ kind: 'result', ...result })
}

/** Reports to `npm run faults` which seed a test draws from. */
export function reportSeed(test: string, seed: number): void {
  append({ kind: 'seed', test, seed })
}

/** Reports to `npm run faults` why tests of this file are skipped: "redis-server is not installed". */
export function reportMissing(what: string): void {
  append({ kind: 'missing', what })
}

function append(line: ReportLine): void {
  const file = process.env.FAULTS_REPORT
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`)
}

/** The lines of one FAULTS_REPORT. */
export function parseReport(text: string): ReportLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): ReportLine => JSON.parse(line))
}
