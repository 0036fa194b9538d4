import { limits } from '@lettergate/contracts/lib/field-limits'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { timestampIssue, toDate } from '@lettergate/contracts/lib/timestamp'
import { readMetadata, readTags } from '@lettergate/contracts/messages/metadata-rules'
import { Problem } from '@lettergate/contracts/problems/problems'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import type { MimeMessage } from '@lettergate/core/accept'
import { type Head, valuesOf } from '@lettergate/providers/raw-mime/head'
import { z } from 'zod'

export type ControlFields = { options: MimeMessage['options']; idempotencyKey: string | null }

const known = new Set([
  'x-lg-tag',
  'x-lg-metadata',
  'x-lg-stream',
  'x-lg-send-at',
  'x-lg-connection',
  'x-lg-idempotency-key',
])
const allowedKey = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/
const Metadata = z.record(z.string(), z.string())

function readSendAt(text: string | undefined, issues: ValidationIssues, now: Date): Date | undefined {
  if (text === undefined) return undefined
  const issue = timestampIssue(text)
  if (issue !== undefined) {
    issues.add(['x-lg-send-at'], issue)
    return undefined
  }
  const sendAt = toDate(text)
  const aheadMs = sendAt.getTime() - now.getTime()
  if (aheadMs > limits.sendAtAheadMsMax) issues.add(['x-lg-send-at'], 'is more than 30 days ahead')
  if (aheadMs < -limits.sendAtPastMsMax) issues.add(['x-lg-send-at'], 'is more than an hour in the past')
  return aheadMs > 0 ? sendAt : undefined
}

/** Pairs as JSON: `{"order": "1234"}`. */
function readPairs(text: string | undefined, issues: ValidationIssues): Record<string, string> {
  if (text === undefined) return readMetadata(undefined, issues)
  if (text.length <= limits.metadataBytesMax * 2) {
    try {
      const read = Metadata.safeParse(JSON.parse(text))
      if (read.success && Object.keys(read.data).length <= limits.metadataKeysMax) {
        const own = new ValidationIssues()
        const pairs = readMetadata(read.data, own)
        const [first] = own.issues
        if (first) issues.add(['x-lg-metadata'], first.detail)
        return pairs
      }
    } catch {
      // Said below.
    }
  }
  issues.add(
    ['x-lg-metadata'],
    `is no JSON object of at most ${limits.metadataKeysMax} texts, such as {"order": "1234"}`,
  )
  return readMetadata(undefined, issues)
}

function readTagFields(values: readonly string[], issues: ValidationIssues): string[] {
  const tags = values.flatMap((value) => value.split(',')).map((tag) => tag.trim())
  if (tags.length > limits.tagsMax) {
    issues.add(['x-lg-tag'], `names more than ${limits.tagsMax} tags`)
    return []
  }
  const own = new ValidationIssues()
  const read = readTags(tags, own)
  const [first] = own.issues
  if (first) issues.add(['x-lg-tag'], first.detail)
  return read
}

function readConnection(text: string | undefined, issues: ValidationIssues): string | undefined {
  if (text === undefined) return undefined
  const id = fromPublicId('con', text)
  if (id === null) issues.add(['x-lg-connection'], 'is not one of your connections', 'connection-not-found')
  return id ?? undefined
}

/** The fields of a mail that are orders to the gateway; a problem names what is wrong with them. */
export function readControlFields(head: Head, now: Date): ControlFields | Problem {
  const issues = new ValidationIssues()
  const one = (name: string): string | undefined => {
    const values = valuesOf(head, name)
    if (values.length > 1) issues.add([name], 'is there twice')
    return values[0]
  }
  for (const { name } of head.fields) {
    if (name.startsWith('x-lg-') && !known.has(name)) issues.add([name], 'is no field of this gateway')
  }
  const stream = one('x-lg-stream') ?? 'transactional'
  if (stream !== 'transactional' && stream !== 'bulk')
    issues.add(['x-lg-stream'], 'is neither transactional nor bulk')
  const options: MimeMessage['options'] = {
    tags: readTagFields(valuesOf(head, 'x-lg-tag'), issues),
    metadata: readPairs(one('x-lg-metadata'), issues),
    stream: stream === 'bulk' ? 'bulk' : 'transactional',
    sendAt: readSendAt(one('x-lg-send-at'), issues, now),
    connectionId: readConnection(one('x-lg-connection'), issues),
  }
  const idempotencyKey = one('x-lg-idempotency-key') ?? null
  if (issues.found) return issues.toProblem()
  if (idempotencyKey !== null && !allowedKey.test(idempotencyKey))
    return new Problem('idempotency-key-invalid')
  return { options, idempotencyKey }
}
