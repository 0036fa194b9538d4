import { hash } from 'node:crypto'
import { cutText, toLine } from './answer.ts'
import type { EventDetail, ProviderEvent } from './provider-event.ts'

const addressCharsMax = 320
const idCharsMax = 200
const codeCharsMax = 100
const urlCharsMax = 2_048
const earliest = Date.UTC(2000)
/** Clocks differ; an event from further in the future is dated by its arrival. */
const aheadMsMax = 3_600_000

/** Fields of a record as the provider wrote them: any of them may be missing or of another type. */
export type Given = {
  /** Absent: the id is a hash of the other fields. */
  id?: unknown
  at: number | undefined
  recipient?: unknown
  messageId?: unknown
  providerMessageId?: unknown
  mimeMessageId?: unknown
  code?: unknown
  reason?: unknown
  enhancedStatus?: unknown
}

/** One event from a record of a provider; every text is cut to its bound, and unreadable fields are left out. */
export function toEvent(detail: EventDetail, given: Given, receivedAt: Date): ProviderEvent {
  const event = {
    ...detail,
    at: toDate(given.at, receivedAt),
    recipient: toAddress(given.recipient),
    messageId: toMessageId(given.messageId),
    providerMessageId: textOr(given.providerMessageId, 998),
    mimeMessageId: toMimeId(given.mimeMessageId),
    code: textOr(given.code, codeCharsMax),
    reason: toLine(given.reason).trim() || undefined,
    enhancedStatus: toEnhancedStatus(given.enhancedStatus) ?? enhancedStatusIn(toLine(given.reason)),
  }
  return { ...event, id: textOr(given.id, idCharsMax) ?? hashOf(detail, event, given.at) }
}

function toDate(atMs: number | undefined, receivedAt: Date): Date {
  const isPlausible = atMs !== undefined && atMs >= earliest && atMs <= receivedAt.getTime() + aheadMsMax
  return isPlausible ? new Date(atMs) : receivedAt
}

/** Leaves out the time of arrival, which another repeat of the same event would change. */
function hashOf(
  detail: EventDetail,
  { recipient, messageId, providerMessageId, mimeMessageId, code }: Omit<ProviderEvent, 'id'>,
  at: number | undefined,
): string {
  const url = detail.kind === 'clicked' ? detail.url : undefined
  const parts = [detail.kind, recipient, messageId, providerMessageId, mimeMessageId, code, at, url]
  return hash('sha256', JSON.stringify(parts)).slice(0, 32)
}

/** Milliseconds of an ISO 8601 text, or of a number or numeric text in seconds; undefined when it is neither. */
export function toMs(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value * 1000) : undefined
  if (typeof value !== 'string' || value.length > 40) return undefined
  if (/^\d{1,12}(\.\d{1,9})?$/.test(value)) return Math.round(Number(value) * 1000)
  const ms = /^\d{4}-\d\d-\d\d[T ]/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

/** A text or a number on one line; undefined when it is empty or neither. */
export function textOr(value: unknown, charsMax: number): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return cutText(toLine(text).trim(), charsMax) || undefined
}

export function toUserAgent(value: unknown): string | undefined {
  return textOr(value, 500)
}

/** An http(s) URL that was clicked; any other value is left out. */
export function toUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > urlCharsMax || !/^https?:\/\//i.test(value))
    return undefined
  return /[\p{Cc}\p{Cs}\s]/u.test(value) ? undefined : value
}

/** `a@b.c`, also out of `Name <a@b.c>`. */
export function toAddress(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 2 * addressCharsMax) return undefined
  const start = value.lastIndexOf('<')
  const inner = start >= 0 && value.trimEnd().endsWith('>') ? value.trimEnd().slice(start + 1, -1) : value
  const address = inner.trim()
  const isAddress = address.length <= addressCharsMax && /^[^\p{Cc}\s<>]+@[^\p{Cc}\s<>@]+$/u.test(address)
  return isAddress ? address : undefined
}

/** Our public id; no other text may pass for one. */
export function toMessageId(value: unknown): string | undefined {
  return typeof value === 'string' && /^msg_[0-9a-hjkmnp-tv-z]{26}$/.test(value) ? value : undefined
}

/** An id with or without angle brackets. */
export function toMimeId(value: unknown): string | undefined {
  const text = textOr(value, 998)
  return text?.replace(/^<|>$/g, '') || undefined
}

/** RFC 3463 and nothing else. */
export function toEnhancedStatus(value: unknown): string | undefined {
  return typeof value === 'string' ? /^\s*([245]\.\d{1,3}\.\d{1,3})\s*$/.exec(value)?.[1] : undefined
}

/** The first enhanced status in some words of a mail server: `550 5.1.1 …`, `550-5.1.1 …`, `(#5.1.1)`. */
export function enhancedStatusIn(words: string): string | undefined {
  return /(?:^|[\s(#;-])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(words)?.[1]
}
