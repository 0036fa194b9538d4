import type { FaultRow } from './report-table.ts'

const START = '<!-- measured: written by npm run faults -->\n'
const END = '<!-- /measured -->\n'
const HEAD = ['test', 'fault', 'N', 'seed', 'result', 'bound', 'without the guard', 'commit']

/** Which test file a line of the table speaks of. */
const ROW_FILE = /^\| \[[^\]]+\]\(\.\.\/faults\/([^)]+)\)/

/** The page with the rows of what was run put in place of the old ones; text outside the markers is kept. */
export function rewritePage(
  page: string,
  run: {
    rows: readonly FaultRow[]
    commit: string
    /** Files that exist: the rows of others go. */
    files: readonly string[]
    /** Shown above the table; undefined keeps what stands there, since only a part was run. */
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
  const content = [...about, '', cells(HEAD), cells(HEAD.map(() => '---')), ...lines].join('\n')
  return `${before}${START}${content}\n${END}${after}`
}

/** Files that the table has a row for. */
export function filesOnPage(page: string): string[] {
  return [...new Set(page.split('\n').flatMap((line) => fileOfRow(line) ?? []))]
}

function fileOfRow(line: string): string | undefined {
  return ROW_FILE.exec(line)?.[1]
}

function numberOfRow(line: string): number {
  return Number(/^t(\d+)/.exec(fileOfRow(line) ?? '')?.[1])
}

function rowLine(row: FaultRow, commit: string): string {
  const { test, file, fault, n, seeds, result, bound, control } = row
  return cells([`[${test}](../faults/${file})`, fault, n, seeds, result, bound, control, commit])
}

function cells(values: readonly string[]): string {
  return `| ${values.map((value) => value.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}
