import { limits } from '../lib/field-limits.ts'
import { fromPublicId } from '../lib/ids.ts'
import { lineIssue, textIssue } from '../lib/text-rules.ts'
import { toDate } from '../lib/timestamp.ts'
import { Problem, type ProblemCode } from '../problems/problems.ts'
import { addSchemaIssues, addSizeIssues } from '../problems/schema-issues.ts'
import { type Path, ValidationIssues } from '../problems/validation-issues.ts'
import { callbackUrlIssue } from '../webhooks/callback-url.ts'
import { addAlternativeIssues } from './alternative-rules.ts'
import { readAttachments } from './attachment-rules.ts'
import { readHeaders } from './header-rules.ts'
import { readMailboxes, readRecipients } from './mailbox-fields.ts'
import { readMetadata, readTags } from './metadata-rules.ts'
import type { NewMessage } from './new-message.ts'
import {
  PartialSendRequest,
  type PartialSendShape,
  reservedFields,
  SendBatchEnvelope,
  SendRequest,
} from './send-shape.ts'

export type { DsnRequest, Mailbox, NewAttachment, NewMessage, NewMime } from './new-message.ts'
export { SendBatchRequest, SendRequest } from './send-shape.ts'

export type ParseOptions = {
  /** What `send_at` is measured against. */
  now?: Date | undefined
  /** Where the message stands in the body, such as `#/messages/3`. */
  pointer?: string | undefined
}

const sizeMaxOfField = new Map<unknown, number>([
  ['to', limits.recipientsMax],
  ['cc', limits.recipientsMax],
  ['bcc', limits.recipientsMax],
  ['reply_to', limits.replyToMax],
  ['headers', limits.headersMax],
  ['attachments', limits.attachmentsMax],
  ['tags', limits.tagsMax],
  ['metadata', limits.metadataKeysMax],
])
const otherSizeMax = 100

/** Checks and normalises the body of POST /v1/send; throws a `Problem` that names every fault. */
export function parseSendRequest(value: unknown, options: ParseOptions = {}): NewMessage {
  const issues = new ValidationIssues(options.pointer)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    issues.add([], 'is not a JSON object')
    throw issues.toProblem()
  }
  addSizeIssues(value, (path) => sizeMaxOfField.get(path[0]) ?? otherSizeMax, issues)
  if (issues.found) throw issues.toProblem()
  const message = readMessage(readShape(value, issues), issues, options.now ?? new Date())
  if (message === undefined || issues.found) throw issues.toProblem()
  return message
}

/** Faults named of all messages of a batch together. */
const batchIssuesMax = 200

/** The same problem without the list of its faults; its text says the first and how many there are. */
function withoutIssues(problem: Problem): Problem {
  return new Problem(problem.code, { detail: problem.detail })
}

/**
 * Checks the envelope of POST /v1/send/batch at the first step, then each message by itself, in order: the caller may let
 * others run in between. Once 200 faults are named, the problems that follow say their first fault alone.
 */
export function* parseSendBatch(
  value: unknown,
  options: { now?: Date | undefined } = {},
): Generator<NewMessage | Problem, void> {
  const issues = new ValidationIssues()
  // No deeper than the list: what is too long inside one message must not refuse the others.
  addSizeIssues(value, () => limits.batchMessagesMax, issues, 1)
  if (issues.found) throw issues.toProblem()
  const envelope = SendBatchEnvelope.safeParse(value)
  if (!envelope.success) {
    addSchemaIssues(envelope.error.issues, issues)
    throw issues.toProblem()
  }
  const now = options.now ?? new Date()
  let named = 0
  for (const [index, message] of envelope.data.messages.entries()) {
    const parsed = parseOr(message, { now, pointer: `#/messages/${index}` })
    if (parsed instanceof Problem) {
      named += parsed.errors?.length ?? 0
      yield named > batchIssuesMax ? withoutIssues(parsed) : parsed
    } else yield parsed
  }
}

function parseOr(value: unknown, options: ParseOptions): NewMessage | Problem {
  try {
    return parseSendRequest(value, options)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

/** The fields whose shape is right; where any is wrong, the others are still judged, so that one answer says all. */
function readShape(value: object, issues: ValidationIssues): PartialSendShape {
  const result = SendRequest.safeParse(value)
  if (result.success) return result.data
  addSchemaIssues(result.error.issues, issues, codeOf)
  const wrong = new Set(result.error.issues.map((issue) => issue.path[0]))
  const right = Object.entries(value).filter(
    ([key]) => Object.hasOwn(SendRequest.shape, key) && !wrong.has(key),
  )
  return PartialSendRequest.safeParse(Object.fromEntries(right)).data ?? {}
}

function codeOf(path: Path): ProblemCode {
  return reservedFields.has(String(path[0])) ? 'field-not-supported' : 'validation-failed'
}

/** What the shape cannot say. Undefined only where the author is missing, which is a fault already. */
function readMessage(shape: PartialSendShape, issues: ValidationIssues, now: Date): NewMessage | undefined {
  const [from] = readMailboxes('from', shape.from, issues)
  const recipients = readRecipients(shape, issues)
  const replyTo = readMailboxes('reply_to', shape.reply_to, issues)
  const subject = shape.subject ?? ''
  issues.addIf(['subject'], lineIssue(subject))
  const text = readBody('text', shape.text, issues)
  const html = readBody('html', shape.html, issues)
  const headers = readHeaders(shape.headers, issues)
  const attachments = readAttachments(shape.attachments, issues)
  addContentIssues({ text, html, attachments }, issues)
  const tags = readTags(shape.tags, issues)
  const metadata = readMetadata(shape.metadata, issues)
  const sendAt = readSendAt(shape.send_at, issues, now)
  const connectionId = readConnection(shape.connection, issues)
  if (shape.callback_url !== undefined)
    issues.addIf(['callback_url'], callbackUrlIssue(shape.callback_url) ?? undefined)
  if (shape.reply_tracking === true && replyTo.length > 0)
    issues.add(['reply_tracking'], 'and reply_to cannot be used together')
  if (from === undefined) return undefined
  const stream = shape.stream ?? 'transactional'
  return {
    from,
    ...recipients,
    replyTo,
    subject,
    text,
    html,
    headers,
    attachments,
    tags,
    metadata,
    sendAt,
    stream,
    connectionId,
    callbackUrl: shape.callback_url,
    replyTracking: shape.reply_tracking === true ? true : undefined,
  }
}

/** A message with no content at all is a mistake, where one with files alone is none: scanners send such mail. */
function addContentIssues(
  { text, html, attachments }: Pick<NewMessage, 'text' | 'html' | 'attachments'>,
  issues: ValidationIssues,
): void {
  if (issues.touches('text') || issues.touches('html') || issues.touches('attachments')) return
  if (text === undefined && html === undefined && attachments.length === 0) {
    issues.add(['text'], 'or html must be there and not be empty, in a message without attachments')
  }
  addAlternativeIssues(attachments, html, issues)
}

function readBody(
  field: 'text' | 'html',
  value: string | undefined,
  issues: ValidationIssues,
): string | undefined {
  if (value === undefined || value === '') return undefined
  issues.addIf([field], textIssue(value))
  return value
}

function readSendAt(value: string | undefined, issues: ValidationIssues, now: Date): Date | undefined {
  if (value === undefined) return undefined
  const sendAt = toDate(value)
  const aheadMs = sendAt.getTime() - now.getTime()
  if (aheadMs > limits.sendAtAheadMsMax) issues.add(['send_at'], 'is more than 30 days ahead')
  if (aheadMs < -limits.sendAtPastMsMax) issues.add(['send_at'], 'is more than an hour in the past')
  return aheadMs > 0 ? sendAt : undefined
}

function readConnection(value: string | undefined, issues: ValidationIssues): string | undefined {
  if (value === undefined) return undefined
  const connectionId = fromPublicId('con', value)
  if (connectionId !== null) return connectionId
  // The same answer as for one that does not exist: no such id was ever given out.
  issues.add(['connection'], 'is not one of your connections', 'connection-not-found')
  return undefined
}
