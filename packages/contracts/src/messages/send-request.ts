import { fromPublicId } from '../lib/ids.ts'
import { limits } from '../lib/limits.ts'
import { lineFault, textFault } from '../lib/text-rules.ts'
import { toDate } from '../lib/timestamp.ts'
import { FaultList, type Path } from '../problems/faults.ts'
import { Problem, type ProblemCode } from '../problems/problems.ts'
import { addSchemaFaults, addSizeFaults } from '../problems/schema-faults.ts'
import { addAlternativeFaults } from './alternative-rules.ts'
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

export type { Mailbox, NewAttachment, NewMessage, NewMime } from './new-message.ts'
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
  const faults = new FaultList(options.pointer)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    faults.add([], 'is not a JSON object')
    throw faults.toProblem()
  }
  addSizeFaults(value, (path) => sizeMaxOfField.get(path[0]) ?? otherSizeMax, faults)
  if (faults.found) throw faults.toProblem()
  const message = readMessage(readShape(value, faults), faults, options.now ?? new Date())
  if (message === undefined || faults.found) throw faults.toProblem()
  return message
}

/** Faults named of all messages of a batch together. */
const batchFaultsMax = 200

/** The same problem without the list of its faults; its text says the first and how many there are. */
function withoutFaults(problem: Problem): Problem {
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
  const faults = new FaultList()
  // No deeper than the list: what is too long inside one message must not refuse the others.
  addSizeFaults(value, () => limits.batchMessagesMax, faults, 1)
  if (faults.found) throw faults.toProblem()
  const envelope = SendBatchEnvelope.safeParse(value)
  if (!envelope.success) {
    addSchemaFaults(envelope.error.issues, faults)
    throw faults.toProblem()
  }
  const now = options.now ?? new Date()
  let named = 0
  for (const [index, message] of envelope.data.messages.entries()) {
    const parsed = parseOr(message, { now, pointer: `#/messages/${index}` })
    if (parsed instanceof Problem) {
      named += parsed.errors?.length ?? 0
      yield named > batchFaultsMax ? withoutFaults(parsed) : parsed
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

/** All messages of a batch at once. */
export function parseSendBatchRequest(
  value: unknown,
  options: { now?: Date | undefined } = {},
): (NewMessage | Problem)[] {
  return [...parseSendBatch(value, options)]
}

/** The fields whose shape is right; where any is wrong, the others are still judged, so that one answer says all. */
function readShape(value: object, faults: FaultList): PartialSendShape {
  const result = SendRequest.safeParse(value)
  if (result.success) return result.data
  addSchemaFaults(result.error.issues, faults, codeOf)
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
function readMessage(shape: PartialSendShape, faults: FaultList, now: Date): NewMessage | undefined {
  const [from] = readMailboxes('from', shape.from, faults)
  const recipients = readRecipients(shape, faults)
  const replyTo = readMailboxes('reply_to', shape.reply_to, faults)
  const subject = shape.subject ?? ''
  faults.addIf(['subject'], lineFault(subject))
  const text = readBody('text', shape.text, faults)
  const html = readBody('html', shape.html, faults)
  const headers = readHeaders(shape.headers, faults)
  const attachments = readAttachments(shape.attachments, faults)
  addContentFaults({ text, html, attachments }, faults)
  const tags = readTags(shape.tags, faults)
  const metadata = readMetadata(shape.metadata, faults)
  const sendAt = readSendAt(shape.send_at, faults, now)
  const connectionId = readConnection(shape.connection, faults)
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
  }
}

/** A message with no content at all is a mistake, where one with files alone is none: scanners send such mail. */
function addContentFaults(
  { text, html, attachments }: Pick<NewMessage, 'text' | 'html' | 'attachments'>,
  faults: FaultList,
): void {
  if (faults.touches('text') || faults.touches('html') || faults.touches('attachments')) return
  if (text === undefined && html === undefined && attachments.length === 0) {
    faults.add(['text'], 'or html must be there and not be empty, in a message without attachments')
  }
  addAlternativeFaults(attachments, html, faults)
}

function readBody(field: 'text' | 'html', value: string | undefined, faults: FaultList): string | undefined {
  if (value === undefined || value === '') return undefined
  faults.addIf([field], textFault(value))
  return value
}

function readSendAt(value: string | undefined, faults: FaultList, now: Date): Date | undefined {
  if (value === undefined) return undefined
  const sendAt = toDate(value)
  const aheadMs = sendAt.getTime() - now.getTime()
  if (aheadMs > limits.sendAtAheadMsMax) faults.add(['send_at'], 'is more than 30 days ahead')
  if (aheadMs < -limits.sendAtPastMsMax) faults.add(['send_at'], 'is more than an hour in the past')
  return aheadMs > 0 ? sendAt : undefined
}

function readConnection(value: string | undefined, faults: FaultList): string | undefined {
  if (value === undefined) return undefined
  const connectionId = fromPublicId('con', value)
  if (connectionId !== null) return connectionId
  // The same answer as for one that does not exist: no such id was ever given out.
  faults.add(['connection'], 'is not one of your connections', 'connection-not-found')
  return undefined
}
