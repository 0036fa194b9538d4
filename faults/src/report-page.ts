import { promises } from './promises.ts'
import type { FaultRow } from './report-table.ts'

const START = '<!-- measured: written by npm run faults -->\n'
const END = '<!-- /measured -->\n'
const SUMMARY = ['test', 'what we break', 'what is promised', 'result']
const FIGURES = [
  'test',
  'what was done',
  'messages',
  'seed',
  'measured',
  'required',
  'without the protection',
  'commit',
]
const MEASURED = FIGURES.indexOf('measured')

/** Which test a line of the figures belongs to. */
const ROW = /^\| \[([^\]]+)\]\(\.\.\/faults\/([^)]+)\)/

/** The page with the rows of what was run put in place of the old ones; text outside the markers is kept. */
export function rewritePage(
  page: string,
  run: {
    rows: readonly FaultRow[]
    commit: string
    /** Files that exist: the rows of others go. */
    files: readonly string[]
    /** Shown above the figures; undefined keeps the present text, because only a part was run. */
    about: Record<string, string> | undefined
  },
): string {
  const [before, rest] = page.split(START)
  const [table, after] = rest?.split(END) ?? []
  if (before === undefined || table === undefined || after === undefined)
    throw new Error('the page has lost its markers')
  const old = table.split('\n')
  const done = new Set(run.rows.map(({ file }) => file))
  const kept = old.filter((line) => {
    const file = fileOfRow(line)
    return file !== undefined && !done.has(file) && run.files.includes(file)
  })
  const lines = [...kept, ...run.rows.map((row) => rowLine(row, run.commit))]
  // Stable, so the rows of one file stay in the order in which it reported them.
  lines.sort((a, b) => numberOfRow(a) - numberOfRow(b))
  const about = run.about
    ? Object.entries(run.about).map(([name, value]) => `- ${name}: ${value}`)
    : old.filter((line) => line.startsWith('- '))
  const content = [
    ...[...head(SUMMARY), ...lines.map(summaryLine), ''],
    ...['<details><summary>All figures, with the seed and the commit of each</summary>', ''],
    ...[...about, '', ...head(FIGURES), ...lines],
    ...['', '</details>'],
  ].join('\n')
  return `${before}${START}${content}\n${END}${after}`
}

/** Files that the figures have a row for. */
export function filesOnPage(page: string): string[] {
  return [...new Set(page.split('\n').flatMap((line) => fileOfRow(line) ?? []))]
}

/** Tests that the figures have a row for. */
export function testsOnPage(page: string): string[] {
  return page.split('\n').flatMap((line) => ROW.exec(line)?.[1] ?? [])
}

function fileOfRow(line: string): string | undefined {
  return ROW.exec(line)?.[2]
}

function numberOfRow(line: string): number {
  return Number(/^t(\d+)/.exec(fileOfRow(line) ?? '')?.[1])
}

function rowLine(row: FaultRow, commit: string): string {
  const { test, file, fault, n, seeds, result, bound, control } = row
  return cells([`[${test}](../faults/${file})`, fault, n, seeds, result, bound, control, commit])
}

/** A line of the figures in plain words. */
function summaryLine(line: string): string {
  const test = ROW.exec(line)?.[1] ?? ''
  const { fault, promise } = promises[test] ?? { fault: '–', promise: '–' }
  return cells([test, fault, promise, verdictOf(line)])
}

/** A test that missed a bound has failed; a target is what we want beyond the bound. */
function verdictOf(line: string): string {
  const measured = line.split(/(?<!\\)\|/)[MEASURED + 1]?.trim() ?? ''
  if (line.includes('**failed**')) return '**failed**'
  if (measured.startsWith('skipped')) return measured
  return measured.includes('**target missed**') ? 'held; a further target was missed' : 'held'
}

function head(names: readonly string[]): string[] {
  return [cells(names), cells(names.map(() => '---'))]
}

function cells(values: readonly string[]): string {
  return `| ${values.map((value) => value.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}
