import { parseAddress } from '@lettergate/contracts/lib/mailbox'
import { lineIssue } from '@lettergate/contracts/lib/text-rules'
import { timeText, toDate } from '@lettergate/contracts/lib/timestamp'
import {
  NOTE_CHARS_MAX,
  suppressionReasons,
  suppressionStreams,
} from '@lettergate/contracts/suppressions/suppressions'
import { z } from 'zod'
import type { EntryRow } from './sql/insert-suppressions.ts'

/** Longer lines are not read: no address, note and dates take as much. */
const LINE_CHARS_MAX = 2_000
/** Names of columns that are read; other columns are left out. */
const COLUMNS = new Map([
  ['address', 'address'],
  ['email', 'address'],
  ['email_address', 'address'],
  ['stream', 'stream'],
  ['reason', 'reason'],
  ['note', 'note'],
  ['expires_at', 'expires_at'],
])

/** How the lines of a file are read. Without a header, the first cell is the address, and the others are left out. */
export const CsvForm = z.object({
  separator: z.enum([',', ';', '\t']),
  columns: z.array(z.string().nullable()),
  stream: z.enum(suppressionStreams),
  reason: z.enum(suppressionReasons),
})
export type CsvForm = z.output<typeof CsvForm>

/** The cells of one line (RFC 4180, without line breaks in cells); null: its quotes do not fit. */
export function readCells(line: string, separator: string): string[] | null {
  const cells: string[] = []
  let at = 0
  for (;;) {
    if (line[at] !== '"') {
      const end = line.indexOf(separator, at)
      cells.push(line.slice(at, end === -1 ? undefined : end).trim())
      if (end === -1) return cells
      at = end + 1
      continue
    }
    let cell = ''
    for (at += 1; ; at += 1) {
      const end = line.indexOf('"', at)
      if (end === -1) return null
      cell += line.slice(at, end)
      at = end + 1
      if (line[at] !== '"') break
      cell += '"'
    }
    cells.push(cell.trim())
    if (at === line.length) return cells
    if (line[at] !== separator) return null
    at += 1
  }
}

export function writeCells(cells: readonly string[]): string {
  return cells.map((cell) => (/[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')
}

/** How a file that begins with this line is read, and whether the line is a header. */
export function formOf(
  firstLine: string,
  defaults: Pick<CsvForm, 'stream' | 'reason'>,
): { form: CsvForm; hasHeader: boolean } {
  const line = firstLine.slice(0, LINE_CHARS_MAX)
  const separator = ([',', ';', '\t'] as const).find((one) => line.includes(one)) ?? ','
  const names = (readCells(line, separator) ?? []).map((cell) => cell.toLowerCase().replaceAll(' ', '_'))
  const columns = names.map((name) => COLUMNS.get(name) ?? null)
  const hasHeader = columns.includes('address')
  return { form: { separator, columns: hasHeader ? columns : ['address'], ...defaults }, hasHeader }
}

const oneOf = <T extends string>(list: readonly T[], text: string): T | undefined =>
  list.find((one) => one === text.toLowerCase())

function expiryOf(text: string): Date | null | undefined {
  if (text === '') return null
  const read = timeText.safeParse(text)
  return read.success ? toDate(read.data) : undefined
}

/** The entry in a line, or what is wrong with it. Words that are none of our reasons, as other services write them, become the note. */
export function readEntry(line: string, form: CsvForm): EntryRow | { detail: string } {
  if (line.length > LINE_CHARS_MAX) return { detail: `is longer than ${LINE_CHARS_MAX} characters` }
  const cells = readCells(line, form.separator)
  if (!cells) return { detail: 'has a quote without its pair' }
  const cellOf = (column: string) => cells[form.columns.indexOf(column)] ?? ''
  const parsed = parseAddress(cellOf('address'))
  if ('detail' in parsed) return { detail: `has an address that ${parsed.detail}` }
  const given = cellOf('stream')
  const stream = given === '' ? form.stream : oneOf(suppressionStreams, given)
  if (!stream) return { detail: `has a stream that is none of ${suppressionStreams.join(', ')}` }
  const expiresAt = expiryOf(cellOf('expires_at'))
  if (expiresAt === undefined) return { detail: 'has a time in expires_at that is not in ISO 8601' }
  const why = cellOf('reason')
  const reason = oneOf(suppressionReasons, why)
  const note = (cellOf('note') || (reason ? '' : why)).slice(0, NOTE_CHARS_MAX)
  if (lineIssue(note) !== undefined) return { detail: 'has a control character in its note' }
  return {
    address: parsed.address.toLowerCase(),
    stream,
    reason: reason ?? form.reason,
    note: note === '' ? null : note,
    expiresAt,
  }
}
