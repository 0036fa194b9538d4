import { z } from 'zod'
import * as field from '../lib/fields.ts'

/** What can keep a message where it is, or has brought it there. The most important reason comes first. */
export const explainCodes = {
  'being-sent': 'The message is being sent to a provider now.',
  scheduled: 'The message is scheduled: its `send_at` is in the future.',
  backlog:
    'The message waits for a worker; `ahead` of your messages are sent before it: bulk mail waits for transactional mail.',
  'limiter-wait':
    'The message waits for its connection: a rate limit, a daily limit or a concurrency limit is reached.',
  'connection-paused': 'The provider asked to pause this connection.',
  'circuit-open':
    'The connection failed repeatedly, so its circuit breaker is open. Single messages test whether it works again.',
  'waits-for-retry': 'The last attempt did not succeed. The next one is at `until`.',
  'last-answer': 'The result of the last attempt, and why this connection was used.',
  'provider-required': 'No connection can send the message: add one, enable one, or change the route.',
  held: 'The message was held by a request, and waits until it is released.',
  'tenant-suspended':
    'The operator has suspended your tenant. The message is sent when the tenant is resumed.',
  'set-aside':
    'Three workers ended unexpectedly while they sent this message, so it is held. Retry or cancel it; else it fails at `until`.',
  unknown:
    'No answer came, so the message may have been delivered. An event of the provider corrects this, or you send again with /retry.',
  suppressed: 'Recipients are on your suppression list, so the message was not sent to them.',
  ended: 'Nothing is left to do for this message.',
} as const satisfies Record<string, string>

export type ExplainCode = keyof typeof explainCodes

export function isExplainCode(text: string): text is ExplainCode {
  return Object.hasOwn(explainCodes, text)
}

const codes = Object.keys(explainCodes).filter(isExplainCode)
const lines = codes.map((code) => `- \`${code}\`: ${explainCodes[code]}`)

export const ExplainReason = z
  .object({
    code: z.enum(codes).meta({ description: `The kind of reason.\n\n${lines.join('\n')}` }),
    detail: field.text('The reason in a sentence.'),
    recipients: field.texts('The recipients concerned.'),
    connection: field.maybeText('The connection concerned, if any.'),
    until: z.iso
      .datetime({ offset: true })
      .nullable()
      .meta({ description: 'When the message is processed again, if that is known.' }),
    ahead: field.maybeInt('Your messages that are sent before it; 10000 means 10000 or more.'),
    help: field.maybeText('Page that explains what to do.', '/problems/provider-rate-limited'),
  })
  .meta({ id: 'ExplainReason', description: 'One reason why a message has its status.' })
export type ExplainReason = z.output<typeof ExplainReason>

export const Explanation = z
  .object({
    id: field.id('msg', 'Id of the message.'),
    status: field.text('Its status, derived from its recipients.'),
    reasons: z
      .array(ExplainReason)
      .meta({ description: 'Why the message has this status, the most important reason first.' }),
  })
  .meta({ id: 'Explanation', description: 'Why a message has its status.' })
export type Explanation = z.output<typeof Explanation>
