import { isUtf8 } from 'node:buffer'
import { Problem } from '@lettergate/contracts/problems'
import { findBadStrings } from './find-bad-strings.ts'
import { type JsonFault, scanJson } from './scan-json.ts'

function malformed(detail: string): Problem {
  return new Problem('malformed-json', { detail })
}

function problemOf(fault: JsonFault): Problem {
  switch (fault.kind) {
    case 'too-deep':
      return malformed('The JSON is nested too deeply.')
    case 'too-many-members':
      return malformed('The JSON has too many members.')
    case 'duplicate-key':
      return malformed(
        `The key ${JSON.stringify(fault.key.slice(0, 100).toWellFormed())} stands twice in one object.`,
      )
    case 'prototype-key':
      return malformed(`The key ${JSON.stringify(fault.key)} is not allowed.`)
    case 'header-name':
      return new Problem('validation-failed', {
        detail: 'The request is valid JSON, but says something that cannot be done.',
        errors: [{ pointer: '#/headers/__proto__', detail: 'is not the name of a header' }],
      })
  }
}

/** Reads a body as JSON text; throws a `Problem` for whatever must not reach a schema. */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw malformed('The body is empty.')
  if (!isUtf8(bytes)) throw malformed('The body is not UTF-8.')
  const text = bytes.toString()
  const fault = scanJson(text)
  if (fault) throw problemOf(fault)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw malformed('The body is not JSON.')
  }
  const errors = findBadStrings(text, parsed)
  if (errors.length > 0) {
    throw new Problem('validation-failed', {
      detail: 'Some strings contain characters that cannot be stored.',
      errors,
    })
  }
  return parsed
}
