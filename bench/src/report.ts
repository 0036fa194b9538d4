import { styleText } from 'node:util'
import type { Figure } from './figure.ts'
import type { Plot } from './plot.ts'

const COLUMNS = ['name', 'ours', 'reference', 'ratio', 'target'] as const

/** The table for people; colours only where there are people. */
export function textTable(figures: readonly Figure[], colours: boolean): string {
  const rows: string[][] = [[...COLUMNS], ...figures.map((figure) => COLUMNS.map((column) => figure[column]))]
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')
  const verdict = ({ met }: Figure) => {
    if (met === null) return ''
    const text = met ? 'met' : 'MISSED'
    return colours ? styleText(met ? 'green' : 'red', text) : text
  }
  return [
    line(rows[0] ?? []),
    ...figures.map((figure, index) => `${line(rows[index + 1] ?? [])}  ${verdict(figure)}`),
  ]
    .map((text) => `${text.trimEnd()}\n`)
    .join('')
}

const START = '<!-- measured: written by npm run bench -->\n'
const END = '<!-- /measured -->\n'

/** The page with another report between its markers. */
export function replaceMeasured(page: string, report: string): string {
  const [before, rest] = page.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error('the page has lost its markers')
  return before + START + report + END + after
}

/** The generated half of docs/benchmarks.md. */
export function markdownReport(
  figures: readonly Figure[],
  machine: Record<string, string>,
  plots: readonly Plot[],
): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  const verdict = ({ met }: Figure) => (met === null ? '–' : met ? 'met' : '**missed**')
  const notes = figures.filter(({ note }) => note !== undefined && note !== '')
  const judged = figures.filter(({ met }) => met !== null)
  const met = judged.filter((figure) => figure.met).length
  return [
    `**${met} of ${judged.length} targets met**, at commit ${machine.commit}.\n\n`,
    row([...COLUMNS, '']),
    row([...COLUMNS, ''].map(() => '---')),
    ...figures.map((figure) => row([...COLUMNS.map((column) => figure[column]), verdict(figure)])),
    ...plots.map(({ file, title }) => `\n![${title}](plots/${file}.svg)\n`),
    '\n<details><summary>The machine, and the rounds of each figure</summary>\n\n',
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}\n`),
    ...notes.map(({ name, note }) => `- *${name}*: ${note}\n`),
    '\n</details>\n',
  ].join('')
}
