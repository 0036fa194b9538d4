import { setImmediate as turn } from 'node:timers/promises'
import { type Head, type ReadRules, readHead, strictRules, valuesOf } from './head.ts'

/** Lines that begin as a delimiter does: more are an attempt to keep us busy. */
const delimitersMax = 5_000
/** Others get their turn after a container of this size. */
const largeBytes = 1024 * 1024

/** A part that holds no other parts. */
export type Leaf = {
  head: Head
  /** Lower-case media type, and the unchanged value of Content-Type; `text/plain` if there is none. */
  type: string
  contentType: string
  /** Where its header block begins, and its body ends. */
  start: number
  end: number
  /** Types of the containers around it, from the outside in. */
  within: string[]
}

/** `problem`: why the rest cannot be divided; those before are there. */
export type Parts = { leaves: Leaf[]; problem: string | null }

type Range = { start: number; end: number }
type Budget = { parts: number; delimiters: number; bytes: number }

/** The type of a part without its parameters. */
function typeOf(contentType: string): string {
  const [type = ''] = contentType.split(';', 1)
  return type.trim().toLowerCase()
}

const boundaryPattern = /;\s*boundary\s*=\s*(?:"([^"\\]{1,200})"|([^\s;"]{1,200}))/i

/** Where each part within a container begins and ends; null: there are no more of them than can be looked at. */
function divide(raw: Buffer, { start, end }: Range, boundary: string, budget: Budget): Range[] | null {
  budget.bytes -= end - start
  if (budget.bytes < 0) return null
  const body = raw.subarray(start, end)
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const parts: Range[] = []
  let open: number | null = null
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (budget.delimiters-- === 0) return null
    if (at > 0 && body[at - 1] !== 0x0a) continue
    const lineEnd = body.indexOf('\r\n', at)
    const rest = body.toString('latin1', at + delimiter.length, lineEnd < 0 ? body.length : lineEnd)
    if (!/^(?:--)?[ \t]*$/.test(rest)) continue
    if (open !== null) {
      if (budget.parts-- === 0) return null
      // The line break before a delimiter belongs to it: https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
      parts.push({ start: start + open, end: start + Math.max(open, at - 2) })
    }
    if (rest.startsWith('--') || lineEnd < 0) return parts
    open = lineEnd + 2
  }
  // A container that is not closed ends with the mail.
  if (open !== null) parts.push({ start: start + open, end })
  return parts
}

/** The parts of a mail that hold its content, in order. Looks at structure only, and decodes nothing. */
export async function splitParts(raw: Buffer, head: Head, rules: ReadRules = strictRules): Promise<Parts> {
  const { depthMax, partsMax, scannedRatioMax } = rules
  const leaves: Leaf[] = []
  const bytes = scannedRatioMax * raw.length + largeBytes
  const budget: Budget = { parts: partsMax, delimiters: delimitersMax, bytes }

  async function walk(part: Head, range: Range, within: string[]): Promise<string | null> {
    const [contentType = 'text/plain', ...more] = valuesOf(part, 'content-type')
    if (more.length > 0) return 'has a part with two Content-Type fields'
    const type = typeOf(contentType)
    if (!type.startsWith('multipart/')) {
      leaves.push({ head: part, type, contentType, ...range, within })
      return null
    }
    if (within.length === depthMax) return 'has parts that are nested too deeply'
    const [, quoted, plain] = boundaryPattern.exec(contentType) ?? []
    const boundary = quoted ?? plain
    if (boundary === undefined) return 'has a container without a boundary'
    const parts = divide(raw, { start: part.bodyStart, end: range.end }, boundary, budget)
    if (parts === null) return 'has too many parts'
    if (parts.length === 0) return 'has a container without parts'
    if (range.end - range.start > largeBytes) await turn()
    for (const inner of parts) {
      const innerHead = readHead(raw, inner.start, inner.end, rules)
      if ('problem' in innerHead) return `has a part that ${innerHead.problem}`
      const problem = await walk(innerHead, inner, [...within, type])
      if (problem) return problem
    }
    return null
  }

  return { problem: await walk(head, { start: 0, end: raw.length }, []), leaves }
}
