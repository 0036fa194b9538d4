import { z } from 'zod'

/** RFC 3339 §5.6, in either case of T and Z. */
const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:Z|[+-](\d{2}):(\d{2}))$/i
const LENGTH_MAX = 60
const EXAMPLE = '2026-12-01T09:00:00+01:00'

/** Spellings that are close to a time, what they lack, and how to write them; the first that fits speaks. */
const NEAR: readonly (readonly [RegExp, string, string | null])[] = [
  [
    /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:?\d{2})$/i,
    'has a space where + belongs; in a URL, + is written %2B',
    '$1+$2',
  ],
  [/^(\d{4}-\d{2}-\d{2}) (\d.*)$/, 'has a space between date and time instead of T', '$1T$2'],
  [/^(.+) (Z|[+-]\d{2}:?\d{2})$/i, 'has a space before its offset', '$1$2'],
  [/^(\d{4})(\d{2})(\d{2})T(.*)$/i, 'has no hyphens in its date', '$1-$2-$3T$4'],
  [/^(\d{4}-\d{2}-\d{2})$/, 'has a date but no time of day', '$1T00:00:00Z'],
  [/^(.*T\d{2}:\d{2})(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?$/i, 'has no seconds', '$1:00$2'],
  [/^(.*T\d{2})(\d{2})(\d{2})((?:\.\d+)?(?:Z|[+-].*)?)$/i, 'has no colons in its time of day', '$1:$2:$3$4'],
  [/^(.*:\d{2}),(\d+.*)$/, 'has a comma where its decimals need a point', '$1.$2'],
  [/^(.*:\d{2}\.\d{9})\d+(.*)$/, 'has more than 9 decimals', '$1$2'],
  [/^(.*:\d{2}(?:\.\d+)?)$/, 'has no offset from UTC', '$1Z'],
  [/^(.*[+-]\d{2})(\d{2})$/, 'has no colon in its offset', '$1:$2'],
  [/^(.*:\d{2}(?:\.\d+)?[+-]\d{2})$/, 'has no minutes in its offset', '$1:00'],
  [/^(.*)\[[\w/+-]+\]$/, 'has the name of a time zone, which RFC 3339 does not know', '$1'],
  [/^\d{9,13}$/, 'is a number of seconds or milliseconds', null],
]

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(2000, 0, 1))
  date.setUTCFullYear(year, month - 1, day)
  return month >= 1 && month <= 12 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

function valueIssue(parts: readonly string[]): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offsetHour = 0, offsetMinute = 0] =
    parts.map((part) => Number(part ?? 0))
  if (!isDay(year, month, day)) return 'names a day that no calendar has'
  if (hour > 23) return 'names an hour beyond 23; midnight is 00:00:00 of the next day'
  if (minute > 59) return 'names a minute beyond 59'
  if (second > 59) return 'names a second beyond 59; leap seconds are not supported'
  if (offsetHour > 23 || offsetMinute > 59) return 'has an offset that no place on earth has'
  return undefined
}

/** Applies the corrections one after the other; null if the result is still no time. */
function corrected(text: string): string | null {
  let candidate = text
  for (const [pattern, , form] of [...NEAR, ...NEAR]) {
    if (form !== null) candidate = candidate.replace(pattern, form)
    if (TIME.test(candidate)) return candidate
  }
  return null
}

/** Says what keeps a text from being a time (RFC 3339), and how to write it; undefined if nothing does. */
export function timestampIssue(text: string): string | undefined {
  if (text.length > LENGTH_MAX) return `is too long for a time; write it like ${EXAMPLE}`
  const parts = TIME.exec(text)
  if (parts) return valueIssue(parts.slice(1))
  const near = NEAR.find(([pattern]) => pattern.test(text))
  if (!near) return `is not a time as RFC 3339 writes it; write it like ${EXAMPLE}`
  return `${near[1]}; write it like ${corrected(text) ?? EXAMPLE}`
}

/** The moment that a text without faults names. */
export function toDate(text: string): Date {
  return new Date(text.toUpperCase())
}

/** A time that a client gives. */
export const timeText = z
  .string()
  .superRefine((text, context) => {
    const message = timestampIssue(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
  .meta({ format: 'date-time' })
