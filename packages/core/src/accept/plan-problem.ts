import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { toPointer } from '@lettergate/contracts/problems/validation-issues'
import type { Limits } from '../plans/index.ts'
import { carriedOfNew, encodedBytes } from '../routing/index.ts'
import { problemAt } from './problem-at.ts'

/** What the tenant's plan does not allow of one message; null: nothing. */
export function planProblem(
  { plan, recipients_per_message: recipientsMax, message_bytes: bytesMax }: Limits,
  message: NewMessage,
  pointer: string,
): Problem | null {
  const recipients = message.to.length + message.cc.length + message.bcc.length
  if (recipients > recipientsMax) {
    const detail = `has ${recipients} recipients; the plan "${plan}" allows ${recipientsMax} in one message`
    const at = `${pointer}${toPointer(['to'])}`
    return problemAt('validation-failed', at, detail)
  }
  const bytes = encodedBytes(carriedOfNew(message))
  if (bytes <= bytesMax) return null
  return new Problem('payload-too-large', {
    detail: `${pointer}: the message has ${bytes} bytes; the plan "${plan}" allows ${bytesMax}.`,
  })
}
