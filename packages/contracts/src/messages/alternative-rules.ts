import { isUtf8 } from 'node:buffer'
import type { ValidationIssues } from '../problems/validation-issues.ts'
import type { NewAttachment } from './new-message.ts'

const ampType = /^text\/x-amp-html\s*(?:;|$)/i
const invitationType = /^text\/calendar\s*;(?:.*;)?\s*method="?[a-z]/i
const utf8Charset = /^(?:utf-?8|us-ascii)$/i
const charsetPattern = /;\s*charset="?([^";]*)/i

/**
 * Checks the attachments that become forms of the message itself beside text and html: an AMP part, and an invitation, which is a
 * calendar with a method. Both go out as text, so their bytes must be that text.
 */
export function addAlternativeIssues(
  attachments: readonly NewAttachment[],
  html: string | undefined,
  issues: ValidationIssues,
): void {
  let amps = 0
  for (const [index, { contentType, content }] of attachments.entries()) {
    const isAmp = ampType.test(contentType)
    if (!isAmp && !invitationType.test(contentType)) continue
    const reject = (field: string, detail: string) =>
      issues.add(['attachments', index, field], detail, 'attachment-rejected')
    const isDeclaredUtf8 = utf8Charset.test(charsetPattern.exec(contentType)?.[1] ?? 'utf-8')
    if (isDeclaredUtf8 && !isUtf8(content)) reject('content', 'is not UTF-8, which its type says it is')
    if (!isAmp) continue
    amps += 1
    if (!isDeclaredUtf8) reject('content_type', 'is an AMP part in another charset than UTF-8')
    if (amps === 2) reject('content_type', 'is a second AMP part; a message has one at most')
  }
  if (amps > 0 && html === undefined && !issues.touches('html')) {
    issues.add(['html'], 'must be there beside an AMP part, for readers that do not show it')
  }
}
