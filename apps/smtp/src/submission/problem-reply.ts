import { type Problem, type ProblemCode, problemType } from '@lettergate/contracts/problems/problems'
import { type Reply, reply } from '../session/reply.ts'

/**
 * The code and the enhanced code of each problem that a mail can meet. A quota, a rate or an outage passes: the client keeps the mail and
 * repeats it. A mail that would be refused again is refused for good, never as a mailbox that does not exist.
 */
const replies: Partial<Record<ProblemCode, readonly [code: number, enhanced: string]>> = {
  'quota-exceeded': [452, '4.2.2'],
  'provider-required': [452, '4.2.2'],
  'rate-limited': [451, '4.7.1'],
  'tenant-suspended': [451, '4.7.1'],
  'idempotency-key-in-progress': [451, '4.3.0'],
  'storage-unavailable': [451, '4.3.0'],
  overloaded: [451, '4.3.2'],
  'internal-error': [451, '4.3.0'],
  'payload-too-large': [552, '5.3.4'],
  'headers-too-large': [552, '5.3.4'],
  'idempotency-key-invalid': [550, '5.5.4'],
  'idempotency-key-reused': [550, '5.5.4'],
  'connection-not-found': [550, '5.5.4'],
  'utf8-not-supported': [553, '5.6.7'],
  'sender-not-allowed': [550, '5.7.1'],
  'attachment-rejected': [554, '5.7.1'],
  'header-not-allowed': [550, '5.7.1'],
  'insufficient-scope': [550, '5.7.1'],
  'url-not-allowed': [550, '5.7.1'],
  'field-not-supported': [550, '5.6.0'],
  'validation-failed': [550, '5.6.0'],
}

function codesOf({ code, status }: Problem): readonly [number, string] {
  return replies[code] ?? (status >= 500 || status === 429 ? [451, '4.3.0'] : [550, '5.6.0'])
}

/** A pointer into a request means nothing to a client of SMTP: the subject of the sentence stands in its place. */
function sentenceOf({ detail, errors }: Problem, recipients: readonly string[]): string {
  const [first] = errors ?? []
  if (!first) return detail
  const recipient = /^#\/envelope\/recipients\/(\d+)$/.exec(first.pointer)?.[1]
  if (recipient !== undefined) return `The recipient ${recipients[Number(recipient)] ?? ''} ${first.detail}.`
  if (first.pointer === '#/mime') return `The mail ${first.detail}.`
  if (first.pointer === '#/envelope/from') return `The sender ${first.detail}.`
  if (first.pointer === '#/envelope/recipients') return `The list of recipients ${first.detail}.`
  return /^#\/x-lg-/.test(first.pointer) ? `${fieldName(first.pointer)} ${first.detail}.` : detail
}

/** `#/x-lg-send-at/0` is the field X-LG-Send-At. */
function fieldName(pointer: string): string {
  const [name = ''] = pointer.slice(2).split('/')
  return name
    .replaceAll(/(^|-)(\w)/g, (_all, dash: string, letter: string) => dash + letter.toUpperCase())
    .replace('-Lg-', '-LG-')
}

/** A problem as a reply: what happened, and the page that says what to do. */
export function problemReply(
  problem: Problem,
  { baseUrl, recipients }: { baseUrl: string; recipients: readonly string[] },
): Reply {
  const [code, enhanced] = codesOf(problem)
  return reply(code, enhanced, [
    sentenceOf(problem, recipients),
    `See ${baseUrl}${problemType(problem.code)}`,
  ])
}
