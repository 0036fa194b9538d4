import { isPendingStatus } from '@lettergate/contracts/messages/recipient-status'
import type { SendOutcome } from '@lettergate/providers/provider'
import { type LoadedMessage, toRecord as toFullRecord } from '../src/deliver/index.ts'

type Context = Parameters<typeof toFullRecord>[1]
type Required = 'number' | 'connectionId' | 'provider' | 'startedAt' | 'repeatWindowMs'

/** As `toRecord`, for an attempt that carried all pending recipients while no other connection stood ready, unless the test says otherwise. */
export function toRecord(
  message: LoadedMessage,
  attempt: Pick<Context, Required> & Partial<Context>,
  outcome: SendOutcome,
  random?: () => number,
) {
  const carried = message.recipients.filter(({ status }) => isPendingStatus(status))
  const context = {
    selected: { carried, left: [], unknownAttempt: message.unknownAttempts[0] ?? null, singleTries: null },
    choice: null,
    failedBefore: attempt.number,
    hasOther: false,
    hasReady: false,
    hasRoomier: false,
    ...attempt,
  }
  return toFullRecord(message, context, outcome, random)
}
