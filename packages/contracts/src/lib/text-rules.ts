/**
 * The reason why a text is not allowed on one line of a message (subject, name, header value),
 * or undefined. Line ends would start a new header; other control characters have no use there.
 */
export function lineIssue(text: string): string | undefined {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code < 32 || (code >= 127 && (code < 160 || code === 0x2028 || code === 0x2029))) {
      return 'has a line break or another control character'
    }
  }
  return text.isWellFormed() ? undefined : 'has a lone surrogate, which is not valid Unicode'
}

/** The reason why a text cannot be stored as UTF-8 in the database, or undefined. */
export function textIssue(text: string): string | undefined {
  if (text.includes('\0')) return 'has a NUL character'
  return text.isWellFormed() ? undefined : 'has a lone surrogate, which is not valid Unicode'
}
