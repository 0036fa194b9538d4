const dateCharsMax = 64

/** Fields that all events of a report share. */
export type ReportContext = {
  receivedAt: Date
  at: number | undefined
  messageId: string | undefined
  mimeMessageId: string | undefined
}

/** Milliseconds of a Date field; undefined where it is none. */
export function dateOf(text: string): number | undefined {
  const plain = text
    .slice(0, dateCharsMax)
    .replace(/\([^()]{0,40}\)/g, '')
    .trim()
  const ms = /\d{1,2}:\d{2}/.test(plain) ? Date.parse(plain) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}
