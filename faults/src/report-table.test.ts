import { expect, test } from 'vitest'
import type { ReportLine } from './report.ts'
import { filesOnPage, rewritePage } from './report-page.ts'
import { rowsOf } from './report-table.ts'
import type { FileRun, TestOutcome } from './run-faults-file.ts'

const seed = (test: string, value: number): ReportLine => ({ kind: 'seed', test, seed: value })
const result = (test: string, text: string): ReportLine => ({
  kind: 'result',
  test,
  fault: 'a fault',
  n: 1_200,
  result: text,
  bound: 'none',
})
const outcome = (test: string, status: TestOutcome['status'], failure = ''): TestOutcome => ({
  test,
  title: `${test}: it holds`,
  status,
  failure,
})
const run = (report: ReportLine[], tests: TestOutcome[] = []): FileRun => ({
  file: 't07-redis.fault.test.ts',
  seconds: 1,
  report,
  tests,
  output: '',
})

test('a row says what was measured, with its seed and its control', () => {
  const rows = rowsOf([
    run([seed('T7', 5), result('T7', '0 lost'), seed('T7 control', 6), result('T7 control', '160 lost')]),
  ])
  expect(rows).toEqual([
    {
      file: 't07-redis.fault.test.ts',
      test: 'T7',
      fault: 'a fault',
      n: '1,200',
      seeds: '5',
      result: '0 lost',
      bound: 'none',
      control: 'a fault: 160 lost',
      status: 'passed',
    },
  ])
})

test('several seeds share a row', () => {
  const [row] = rowsOf([
    run([seed('T7', 5), result('T7', '0 lost')]),
    run([seed('T7', 9), result('T7', '0 lost')]),
  ])
  expect(row).toMatchObject({ seeds: '5<br>9', result: '0 lost' })
})

test('a failed test shows as failed, also if it passed with another seed', () => {
  const [row] = rowsOf([
    run([seed('T7', 5), result('T7', '0 lost')], [outcome('T7', 'passed')]),
    run([seed('T7', 9)], [outcome('T7', 'failed', 'expected 1 to be 0\n at …')]),
  ])
  expect(row).toMatchObject({ status: 'failed', result: '**failed** with SEED=9: expected 1 to be 0' })
})

test('a failed control fails its row', () => {
  const [row] = rowsOf([
    run([seed('T7', 5), result('T7', '0 lost')], [outcome('T7 control', 'failed', 'no loss')]),
  ])
  expect(row).toMatchObject({
    status: 'failed',
    result: '0 lost',
    control: '**failed** with SEED=5: no loss',
  })
})

test('a skipped test says what the machine lacks', () => {
  const [row] = rowsOf([run([{ kind: 'missing', what: 'no redis-server' }], [outcome('T7', 'skipped')])])
  expect(row).toMatchObject({ test: 'T7', status: 'skipped', result: 'skipped: no redis-server' })
})

test('a skipped test may say why in words', () => {
  const output = 'T7: skipped, libfaketime is not installed\n'
  const [row] = rowsOf([{ ...run([], [outcome('T7', 'skipped')]), output }])
  expect(row).toMatchObject({ status: 'skipped', result: 'skipped: libfaketime is not installed' })
})

test('a file that passes without a result has failed', () => {
  expect(rowsOf([run([], [outcome('T7', 'passed')])])).toMatchObject([{ test: 'T7', status: 'failed' }])
})

test.each([
  ['0 lost', 'held'],
  ['**target missed**: 1 s', 'held; a further target was missed'],
  ['skipped: no redis-server', 'skipped: no redis-server'],
  ['**failed** with SEED=9: 1 lost', '**failed**'],
])('the summary of %s says: %s', (text, verdict) => {
  const file = 't02-a.fault.test.ts'
  const page = rewritePage(EMPTY, { rows: rowOf(file, text), commit: 'a', files: [file], about: {} })
  const line = page.split('\n').find((one) => one.startsWith('| T2 |'))
  expect(line?.endsWith(`| ${verdict} |`)).toBe(true)
})

const EMPTY = 'by hand\n<!-- measured: written by npm run faults -->\n\n<!-- /measured -->\nby hand too\n'
const FILES = ['t02-a.fault.test.ts', 't10-b.fault.test.ts', 't7-c.fault.test.ts']
const rowOf = (file: string, text: string) =>
  rowsOf([{ ...run([result(`T${Number(/\d+/.exec(file))}`, text)]), file }])

test('a part of a run replaces its own rows and keeps the rest of the page', () => {
  const about = { date: '2026-11-20' }
  const whole = rewritePage(EMPTY, {
    rows: FILES.flatMap((file) => rowOf(file, 'old | 1')),
    commit: 'aaaaaaa',
    files: FILES,
    about,
  })
  const page = rewritePage(whole, {
    rows: rowOf('t10-b.fault.test.ts', 'new'),
    commit: 'bbbbbbb',
    files: FILES.slice(0, 2),
    about: undefined,
  })
  expect(filesOnPage(page)).toEqual(['t02-a.fault.test.ts', 't10-b.fault.test.ts'])
  expect(page).toContain('| old \\| 1 | none | – | aaaaaaa |')
  expect(page).toContain('| new | none | – | bbbbbbb |')
  expect(page).toContain(
    '| T2 | kill the worker during calls to the provider | no message lost, none sent twice;',
  )
  expect(page).toMatch(/^by hand\n.*\n- date: 2026-11-20\n.*\nby hand too\n$/s)
})
