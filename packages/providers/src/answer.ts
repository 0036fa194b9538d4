const reasonCharsMax = 500

/** The JSON object in an answer; empty when it holds none. */
export function parseAnswer(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** A provider's words on one line and no longer than a reason may be; empty when it is no text. */
export function toLine(value: unknown): string {
  return typeof value === 'string' ? value.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, reasonCharsMax) : ''
}

/** What was said about a refusal, as one reason. */
export function toReason(...parts: (string | number)[]): string {
  return parts.filter(Boolean).join(' ').slice(0, reasonCharsMax)
}
