import { isAscii, isUtf8 } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import { Problem } from '@lettergate/contracts/problems/problems'
import { toPointer } from '@lettergate/contracts/problems/validation-issues'
import { findBadStrings } from './find-bad-strings.ts'
import { ITEMS_MAX, type JsonIssue, scanJson } from './scan-json.ts'

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
const UTF_16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])]

function malformed(detail: string): Problem {
  return new Problem('malformed-json', { detail })
}

function invalid(pointer: string, detail: string): Problem {
  return new Problem('validation-failed', { detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] })
}

function problemOf(issue: JsonIssue): Problem {
  switch (issue.kind) {
    case 'too-deep':
      return malformed('The JSON is nested too deeply.')
    case 'too-many-members':
      return malformed('The JSON has too many members.')
    case 'too-many-items':
      return invalid(
        `#${toPointer(issue.path)}`,
        `has more than ${ITEMS_MAX} items, which is more than any list or object of a request may have`,
      )
    case 'duplicate-key':
      return malformed(
        `The key ${JSON.stringify(issue.key.slice(0, 100).toWellFormed())} is given twice in one object.`,
      )
    case 'prototype-key':
      return malformed(`The key ${JSON.stringify(issue.key)} is not allowed.`)
    case 'header-name':
      return new Problem('validation-failed', {
        detail: 'The request is valid JSON, but some of its values are not allowed.',
        errors: [{ pointer: '#/headers/__proto__', detail: 'is not the name of a header' }],
      })
  }
}

function beginsWith(bytes: Buffer, mark: Buffer): boolean {
  return bytes[0] === mark[0] && bytes.subarray(0, mark.length).equals(mark)
}

/** Decodes a body without its byte order mark, which RFC 8259 §8.1 lets a reader ignore. */
function textOf(bytes: Buffer): string {
  if (UTF_16_MARKS.some((mark) => beginsWith(bytes, mark)))
    throw malformed('The body is UTF-16, by its byte order mark. Send it as UTF-8.')
  if (!isUtf8(bytes)) throw malformed('The body is not UTF-8.')
  const marked = beginsWith(bytes, BYTE_ORDER_MARK)
  const rest = marked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes
  if (rest.length === 0) throw malformed('The body is only a byte order mark.')
  return isAscii(rest) ? rest.toString('latin1') : rest.toString()
}

function* steps(bytes: Buffer): Generator<undefined, unknown> {
  const text = textOf(bytes)
  yield
  const { issue, isSuspect } = yield* scanJson(text)
  if (issue) throw problemOf(issue)
  yield
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw malformed('The body is not JSON.')
  }
  yield
  const errors = isSuspect ? yield* findBadStrings(parsed) : []
  if (errors.length > 0) {
    throw new Problem('validation-failed', {
      detail: 'Some strings contain characters that cannot be stored.',
      errors,
    })
  }
  return parsed
}

/** Reads a body as JSON text; throws a `Problem` for every value that must not reach a schema. */
export function parseJson(bytes: Buffer): unknown {
  const reading = steps(bytes)
  for (;;) {
    const { done, value } = reading.next()
    if (done) return value
  }
}

/** Reads a large body as `parseJson` does, and lets others run in between. */
export async function parseJsonInSteps(bytes: Buffer): Promise<unknown> {
  const reading = steps(bytes)
  for (;;) {
    const { done, value } = reading.next()
    if (done) return value
    await setImmediate()
  }
}
