const TYPE = 'application/json'
/** The same encoding by the names that clients really write. */
const UTF_8 = new Set(['utf-8', 'utf8'])
const LENGTH_MAX = 200

/** Quotes a field in a refusal: short, and only printable ASCII. */
function shown(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 60)
}

function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

function parameterIssue(parameter: string): string | null {
  const equals = parameter.indexOf('=')
  if (equals === -1) return `The parameter "${shown(parameter)}" of Content-Type has no value.`
  if (parameter.slice(0, equals).trim().toLowerCase() !== 'charset') return null
  const charset = unquoted(parameter.slice(equals + 1).trim())
  if (UTF_8.has(charset.toLowerCase())) return null
  return `The charset ${shown(charset)} is not supported: send JSON as UTF-8, with charset=utf-8 or none.`
}

/**
 * Says why a body of this Content-Type cannot be read; null if it can. JSON has no parameters (RFC 8259 §11), and clients
 * add some all the same: they are ignored, except a charset that is not UTF-8.
 */
export function mediaTypeIssue(field: string | undefined): string | null {
  // Compared first: nearly every client writes exactly this.
  if (field === TYPE) return null
  if (field === undefined || field.trim() === '') return `Content-Type is missing: it must be ${TYPE}.`
  if (field.length > LENGTH_MAX) return `Content-Type is longer than ${LENGTH_MAX} characters.`
  // A semicolon inside quotes ends no parameter.
  const [type = '', ...parameters] = (field.match(/(?:[^;"]|"[^"]*"?)+/g) ?? []).map((part) => part.trim())
  if (type.toLowerCase() !== TYPE) return `Content-Type is ${shown(type)}: it must be ${TYPE}.`
  for (const parameter of parameters) {
    const issue = parameter === '' ? null : parameterIssue(parameter)
    if (issue) return issue
  }
  return null
}
