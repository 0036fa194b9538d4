import { styleText } from 'node:util'

export type Column<R> = {
  title: string
  value(row: R): string | number | null
  /** Colours a cell, by what it says. */
  colour?(row: R): 'green' | 'yellow' | 'red' | 'dim' | null
}

const text = (value: string | number | null) =>
  value === null ? '–' : typeof value === 'number' ? value.toLocaleString('en-US') : value

/**
 * Rows as a table for people: a line of titles, numbers to the right. Colours only where the output is a terminal, and `NO_COLOR` is not
 * set; `styleText` sees to both.
 */
export function toTable<R>(
  columns: readonly Column<R>[],
  rows: readonly R[],
  stream: NodeJS.WriteStream = process.stdout,
): string {
  const cells = rows.map((row) => columns.map((column) => text(column.value(row))))
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((line) => line[i]?.length ?? 0)),
  )
  const isNumber = columns.map((column) => rows.some((row) => typeof column.value(row) === 'number'))
  const pad = (cell: string, i: number) =>
    isNumber[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)
  const colour = (format: Parameters<typeof styleText>[0], cell: string) =>
    styleText(format, cell, { stream })
  const head = columns.map(({ title }, i) => colour('bold', pad(title, i))).join('  ')
  const lines = rows.map((row, at) =>
    columns
      .map((column, i) => {
        const cell = pad(cells[at]?.[i] ?? '', i)
        const format = column.colour?.(row)
        return format ? colour(format, cell) : cell
      })
      .join('  '),
  )
  return [head, ...lines].map((line) => `${line.trimEnd()}\n`).join('')
}

/** A list on stdout: as a table, or for machines as one JSON array. `empty`: what people read in place of a table without rows. */
export function printRows<R>(
  columns: readonly Column<R>[],
  rows: readonly R[],
  { json, empty }: { json: boolean; empty?: string },
): void {
  const forPeople = () => (rows.length === 0 && empty !== undefined ? `${empty}\n` : toTable(columns, rows))
  process.stdout.write(json ? `${JSON.stringify(rows)}\n` : forPeople())
}
