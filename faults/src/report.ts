import { appendFileSync } from 'node:fs'

/** One row of docs/faults.md. */
export type FaultResult = {
  /** As in the table: T7; a variant or a negative control adds words ("T7 control"). */
  test: string
  /** What was done, in one clause: "Redis killed and started 5 times, with AOF". */
  fault: string
  /** Messages, requests or rounds that the guarantee was held against. */
  n: number
  /** What came out, in figures: "0 lost, 0 repeats, 12 unknown in 10 kills". */
  result: string
  /** What had to come out: "0 lost, 0 repeats, unknown ≤ in flight". */
  bound: string
}

/** Tells a person, and `npm run faults` by the file that FAULTS_REPORT names, what a test measured. Call it last. */
export function reportResult(result: FaultResult): void {
  const { test, fault, n, bound } = result
  process.stdout.write(`${test}: ${fault}; N=${n}; ${result.result} (bound: ${bound})\n`)
  const file = process.env.FAULTS_REPORT
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(result)}\n`)
}
