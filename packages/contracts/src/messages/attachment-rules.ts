import { limits } from '../lib/field-limits.ts'
import type { ValidationIssues } from '../problems/validation-issues.ts'
import { contentTypeIssue, contentTypeOf } from './content-type.ts'
import { filenameIssue } from './filename-rules.ts'
import type { NewAttachment } from './new-message.ts'

/** One attachment as it stands in the request. */
export type AttachmentShape = {
  filename: string
  content: string
  content_type?: string | undefined
  content_id?: string | undefined
  disposition?: 'attachment' | 'inline' | undefined
}

// What may stand in both a Content-ID and a cid: URL without quoting (RFC 2392).
const contentIdPattern = /^[A-Za-z0-9_.+=@-]+$/

/** Checks attachments and decodes them; nothing is decoded when they are too large together. */
export function readAttachments(
  attachments: readonly AttachmentShape[] | undefined,
  issues: ValidationIssues,
): NewAttachment[] {
  if (attachments === undefined) return []
  let bytes = 0
  for (const { content } of attachments) bytes += Math.floor((content.length * 3) / 4)
  // Padding may make the sum up to two bytes too large for each.
  if (bytes - 2 * attachments.length > limits.attachmentBytesMax) {
    issues.add(
      ['attachments'],
      `are larger than ${limits.attachmentBytesMax} bytes together`,
      'payload-too-large',
    )
    return []
  }
  const contentIds = new Set<string>()
  return attachments.map((attachment, index) => readAttachment(attachment, index, contentIds, issues))
}

function readAttachment(
  attachment: AttachmentShape,
  index: number,
  contentIds: Set<string>,
  issues: ValidationIssues,
): NewAttachment {
  const { filename, content_id: contentId } = attachment
  const reject = (field: string, detail: string | undefined) => {
    if (detail !== undefined) issues.add(['attachments', index, field], detail, 'attachment-rejected')
  }
  reject('filename', filenameIssue(filename))
  const contentType = attachment.content_type ?? contentTypeOf(filename)
  reject('content_type', contentTypeIssue(contentType))
  const disposition = attachment.disposition ?? (contentId === undefined ? 'attachment' : 'inline')
  if (contentId !== undefined) {
    reject('content_id', contentIdIssue(contentId, contentIds))
    contentIds.add(contentId)
  } else if (disposition === 'inline') {
    reject('content_id', 'is required when disposition is inline')
  }
  const content = decodeBase64(attachment.content)
  if (typeof content === 'string') {
    reject('content', content)
    return { filename, contentType, disposition, contentId, content: Buffer.alloc(0) }
  }
  return { filename, contentType, disposition, contentId, content }
}

function contentIdIssue(contentId: string, seen: ReadonlySet<string>): string | undefined {
  if (contentId.length > limits.contentIdLengthMax)
    return `is longer than ${limits.contentIdLengthMax} characters`
  if (!contentIdPattern.test(contentId))
    return 'may only have letters, digits and _ . + = @ -, without < and >'
  return seen.has(contentId) ? 'is used by another attachment of this message' : undefined
}

/** RFC 4648 §4, and nothing but: the decoded bytes, or what is wrong. */
export function decodeBase64(text: string): Buffer | string {
  if (text === '') return 'is empty'
  if (text.startsWith('data:')) return 'is a data: URI; give the base64 part alone'
  const malformed = 'is not standard base64 with padding and without line breaks'
  if (text.length % 4 !== 0) return malformed
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  // Buffer skips what it does not know and also reads the URL alphabet. Both show: by length, and by looking.
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== (text.length / 4) * 3 - padding) return malformed
  if (text.includes('-') || text.includes('_')) return 'is in the URL-safe alphabet; use the standard one'
  const lastGroup = bytes.subarray(bytes.length - (3 - padding)).toString('base64')
  return text.endsWith(lastGroup) ? bytes : malformed
}
