import type { ProviderEvent, Reading } from './provider-event.ts'

/** Bounds of one body: no provider sends nearly as much. */
const recordsMax = 5_000
const recordItemsMax = 2_000
const depthMax = 32
/** Bytes that are parsed before others get their turn: some milliseconds. */
const stepBytes = 128 * 1024

export type Fields = { [key: string]: unknown }

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const brace = 0x7b
const braceEnd = 0x7d
const bracket = 0x5b
const bracketEnd = 0x5d

export type Records = { records: Fields[]; unread: number }

/**
 * The objects of a JSON array, or the one object that the body is, some at a time. Each is parsed separately, so that a broken or too large
 * one does not affect the others; these and values that are no objects count as unread.
 */
export function* readRecords(body: Buffer): Generator<Records> {
  const slices = sliceRecords(body)
  if (slices === null) {
    yield { records: [], unread: 1 }
    return
  }
  let [found, bytes] = [noRecords(), 0]
  for (const slice of slices) {
    const record = slice === null ? undefined : parseRecord(slice)
    if (record === undefined) found.unread++
    else found.records.push(record)
    bytes += slice?.length ?? 0
    if (bytes < stepBytes) continue
    yield found
    ;[found, bytes] = [noRecords(), 0]
  }
  yield found
}

const noRecords = (): Records => ({ records: [], unread: 0 })

/** One object that is the whole of a text, within the same bounds. */
export function readRecord(body: Buffer): Fields | undefined {
  const slices = sliceRecords(body)
  const [slice] = slices ?? []
  return slices?.length === 1 && slice ? parseRecord(slice) : undefined
}

/** `null`: the record is about something else. `undefined`: it is of no kind that is known. */
type ReadRecord = (record: Fields) => readonly ProviderEvent[] | null | undefined

/** The events in a list of records, some at a time. */
export function* readAllEvents(body: Buffer, read: ReadRecord): Generator<Reading> {
  for (const found of readRecords(body)) yield readEvents(found, read)
}

/** Reads record after record; those of no known kind are counted, so that a change at the provider is noticed. */
export function readEvents(found: Records, read: ReadRecord): Reading {
  const events: ProviderEvent[] = []
  let { unread } = found
  for (const record of found.records) {
    const own = read(record)
    if (own === undefined) unread += 1
    else if (own !== null) events.push(...own)
  }
  return { events, unread }
}

/** A member that should be an object: an empty one where it is not. */
export function objectIn(value: unknown): Fields {
  return isRecord(value) ? value : {}
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseRecord(slice: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(slice.toString())
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Null: no record is to be read of this body. A record that is null is too large. */
function sliceRecords(body: Buffer): (Buffer | null)[] | null {
  const start = body.findIndex((byte) => byte > 0x20)
  if (body[start] === brace) return sliceArray(body, start, 0)
  return body[start] === bracket ? sliceArray(body, start + 1, 1) : null
}

function sliceArray(body: Buffer, from: number, outerDepth: 0 | 1): (Buffer | null)[] | null {
  const slices: (Buffer | null)[] = []
  let [recordItems, depth, start] = [0, 0, from]
  let isTooDeep = false
  const end = (at: number) => {
    const slice = body.subarray(start, at)
    const isEmpty = recordItems === 0 && slice.every((byte) => byte <= 0x20)
    if (!isEmpty) slices.push(recordItems > recordItemsMax || isTooDeep ? null : slice)
    recordItems = 0
    isTooDeep = false
    start = at + 1
  }
  for (let at = from; at < body.length; at++) {
    const byte = body[at]
    if (byte === quote) {
      at = endOfString(body, at)
      continue
    }
    if (byte === comma && depth === 0) {
      end(at)
      if (slices.length > recordsMax) return null
      continue
    }
    if (byte === bracketEnd && depth === 0) {
      end(at)
      return outerDepth === 1 ? slices : null
    }
    if (byte === comma || byte === brace || byte === bracket) recordItems++
    if (byte === brace || byte === bracket) {
      depth++
      if (depth > depthMax) isTooDeep = true
    } else if (byte === braceEnd || byte === bracketEnd) {
      depth--
    }
  }
  if (outerDepth === 1) return null
  end(body.length)
  return slices
}

function endOfString(body: Buffer, start: number): number {
  // Not by `indexOf`: a text of nothing but quotes would call it for each.
  for (let at = start + 1; at < body.length; at++) {
    if (body[at] === backslash) at++
    else if (body[at] === quote) return at
  }
  return body.length
}
