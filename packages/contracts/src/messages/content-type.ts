import { limits } from '../lib/field-limits.ts'

const typeByExtension: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  gif: 'image/gif',
  html: 'text/html',
  ics: 'text/calendar',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  webp: 'image/webp',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xml: 'application/xml',
  zip: 'application/zip',
}

// RFC 2045 §5.1 token, without the characters that RFC 2231 gives a meaning in parameter names.
const token = '[A-Za-z0-9!#$&^_.+-]+'
const typePattern = new RegExp(`^${token}/${token}$`)
const parameterPattern = new RegExp(`^${token}=(?:${token}|"[A-Za-z0-9 !#$&^_.+:/=,-]*")$`)

// These name the file a second time, past the rules for file names, or give the part a structure of its own.
const refusedParameters = new Set(['name', 'filename', 'boundary'])

/** The type of a file by its extension, for requests that do not say. */
export function contentTypeOf(filename: string): string {
  const extension = filename.slice(filename.lastIndexOf('.') + 1).toLowerCase()
  const known = Object.hasOwn(typeByExtension, extension) ? typeByExtension[extension] : undefined
  return known ?? 'application/octet-stream'
}

/** What makes a content type unfit for an attachment, or undefined. */
export function contentTypeIssue(contentType: string): string | undefined {
  if (contentType.length > limits.contentTypeLengthMax) {
    return `is longer than ${limits.contentTypeLengthMax} characters`
  }
  const [type = '', ...parameters] = contentType.split(';')
  if (!typePattern.test(type.trimEnd())) return 'is not of the form type/subtype'
  // RFC 2046 §5.2.1: these may not be carried in base64.
  if (/^(?:multipart|message)\//i.test(type)) return 'is a composite type; use application/octet-stream'
  for (const parameter of parameters) {
    const text = parameter.trim()
    if (!parameterPattern.test(text)) return 'has a parameter that is not of the form name=value'
    if (refusedParameters.has(text.slice(0, text.indexOf('=')).toLowerCase())) {
      return 'has a parameter that is not accepted: name, filename and boundary are set by the gateway'
    }
  }
  return undefined
}
