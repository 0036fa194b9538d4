import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess } from './processes.ts'
import { parseReport, type ReportLine } from './report.ts'

export type TestOutcome = {
  /** The text before the colon of its title: T7, "T7 control". */
  test: string
  title: string
  status: 'passed' | 'failed' | 'skipped'
  failure: string
}

/** One run of one file with one seed. */
export type FileRun = {
  /** t07-redis-killed.fault.test.ts */
  file: string
  seconds: number
  tests: TestOutcome[]
  report: ReportLine[]
  /** The end of what it printed. */
  output: string
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** No file has reason to take longer; a hanging one must not hang the whole run. */
const FILE_MS_MAX = 600_000

/** Runs the tests of one file in a process of its own. */
export async function runFile(path: string, seed: number | undefined): Promise<FileRun> {
  const folder = await mkdtemp(join(tmpdir(), 'lettergate-faults-'))
  const [reportFile, resultFile] = [join(folder, 'report'), join(folder, 'result.json')]
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const start = performance.now()
  try {
    const started = startProcess({
      name: path,
      command: process.execPath,
      args: [vitest, 'run', '--project', 'faults', path],
      env: {
        ...inheritedEnv(),
        FAULTS_REPORT: reportFile,
        TEST_REPORT: resultFile,
        ...(seed === undefined ? {} : { SEED: String(seed) }),
      },
      cwd: ROOT,
    })
    const limit = setTimeout(() => void started.stop(), FILE_MS_MAX)
    await started.exited
    clearTimeout(limit)
    const text = (file: string) => readFile(file, 'utf8').catch(() => '')
    return {
      file: basename(path),
      seconds: (performance.now() - start) / 1_000,
      tests: readOutcomes(await text(resultFile)),
      report: parseReport(await text(reportFile)),
      output: started.output(),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

function inheritedEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  )
}

type VitestReport = {
  testResults: {
    status: string
    message: string
    assertionResults: { title: string; status: string; failureMessages?: string[] | null }[]
  }[]
}

function readOutcomes(text: string): TestOutcome[] {
  const failed = (failure: string): TestOutcome => ({ test: '', title: '', status: 'failed', failure })
  if (text === '') return [failed('the run ended without a report')]
  const report: VitestReport = JSON.parse(text)
  const outcomes = report.testResults.flatMap((result) => {
    const tests = result.assertionResults.map(({ title, status, failureMessages }): TestOutcome => {
      const known = status === 'passed' || status === 'failed' ? status : 'skipped'
      return { test: title.split(':')[0] ?? '', title, status: known, failure: failureMessages?.[0] ?? '' }
    })
    // A file that cannot be loaded, or whose hooks fail, has no failed test to show for it.
    const isBroken = result.status === 'failed' && tests.every(({ status }) => status !== 'failed')
    return isBroken ? [...tests, failed(result.message)] : tests
  })
  return outcomes.length > 0 ? outcomes : [failed('the file holds no test')]
}
