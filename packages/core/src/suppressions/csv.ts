import { parseAddress } from '@lettergate/contracts/lib/mailbox'
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
/** Lines of one cell in quotes: replies of mail servers, as other services export them, have several. */
export const CELL_LINES_MAX = 10
/** Names of columns that are read, ours and those of other services, in small letters alone; other columns are left out. */
const COLUMNS = new Map([
  ['address', 'address'],
  ['email', 'address'],
  ['emailaddress', 'address'],
  ['recipient', 'address'],
  ['stream', 'stream'],
  ['reason', 'reason'],
  ['suppressionreason', 'reason'],
  ['error', 'reason'],
  ['note', 'note'],
  ['expiresat', 'expires_at'],
])
const SEPARATORS = [',', ';', '\t'] as const

/** How the lines of a file are read. Without a header, the first cell is the address, and the others are left out. */
export const CsvForm = z.object({
  separator: z.enum(SEPARATORS),
  columns: z.array(z.string().nullable()),
  stream: z.enum(suppressionStreams),
  reason: z.enum(suppressionReasons),
})
export type CsvForm = z.output<typeof CsvForm>

/** The cells of one entry (RFC 4180); null: its quotes do not fit. */
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

/** Whether a cell in quotes goes on behind this line; null: its quotes do not fit. */
function isOpenBehind(line: string, separator: string, isOpenBefore: boolean): boolean | null {
  let [at, isQuoted] = [0, isOpenBefore]
  for (;;) {
    if (!isQuoted && line[at] !== '"') {
      const end = line.indexOf(separator, at)
      if (end === -1) return false
      at = end + 1
      continue
    }
    if (!isQuoted) at += 1
    for (isQuoted = true; isQuoted; ) {
      const end = line.indexOf('"', at)
      if (end === -1) return true
      isQuoted = line[end + 1] === '"'
      at = end + (isQuoted ? 2 : 1)
    }
    if (at >= line.length) return false
    if (line[at] !== separator) return null
    at += 1
  }
}

/** How many of these lines the first entry has. A line whose quotes fit with none of the next is alone, so that it costs no others. */
export function linesOfEntry(lines: Iterable<string>, separator: string): number {
  let [isOpen, count] = [false, 0]
  for (const line of lines) {
    const isOpenNow = isOpenBehind(line, separator, isOpen)
    if (isOpenNow === null) return 1
    count += 1
    if (!isOpenNow) return count
    if (count === CELL_LINES_MAX) return 1
    isOpen = true
  }
  return 1
}

export function writeCells(cells: readonly string[]): string {
  return cells.map((cell) => (/[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')
}

/** A note that a spreadsheet would take for a formula gets a quote before it, which an import takes away. */
export function writeNote(note: string): string {
  return /^'?[=+\-@]/.test(note) ? `'${note}` : note
}

/** A remark never costs an entry: unfit characters become blanks, and the end is cut off. */
function readNote(cell: string): string {
  const note = cell.replace(/^'(?='?[=+\-@])/, '').replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
  return note.slice(0, NOTE_CHARS_MAX).replace(/[\uD800-\uDBFF]$/, '')
}

function columnsOf(line: string, separator: string): (string | null)[] {
  const names = readCells(line, separator) ?? []
  return names.map((name) => COLUMNS.get(name.toLowerCase().replace(/[^a-z]/g, '')) ?? null)
}

/** How a file that begins with this line is read, and whether the line is a header. */
export function formOf(
  firstLine: string,
  defaults: Pick<CsvForm, 'stream' | 'reason'>,
): { form: CsvForm; hasHeader: boolean } {
  const line = firstLine.slice(0, LINE_CHARS_MAX)
  for (const separator of SEPARATORS) {
    const columns = columnsOf(line, separator)
    if (columns.includes('address')) return { form: { separator, columns, ...defaults }, hasHeader: true }
  }
  // A reason behind the address may have the other separators in it.
  const separator =
    SEPARATORS.find((one) => !('detail' in parseAddress(readCells(line, one)?.[0] ?? ''))) ?? SEPARATORS[0]
  return { form: { separator, columns: ['address'], ...defaults }, hasHeader: false }
}

const oneOf = <T extends string>(list: readonly T[], text: string): T | undefined =>
  list.find((one) => one === text.toLowerCase())

function expiryOf(text: string): Date | null | undefined {
  if (text === '') return null
  const read = timeText.safeParse(text)
  return read.success ? toDate(read.data) : undefined
}

/** The entry in a line, or the error in it. Words that are none of our reasons, as other services write them, become the note. */
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
  const note = readNote(cellOf('note') || (reason ? '' : why))
  return {
    address: parsed.address.toLowerCase(),
    stream,
    reason: reason ?? form.reason,
    note: note === '' ? null : note,
    expiresAt,
  }
}
