import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import { type ActDeps, actOn, type MessageKey } from './act-on.ts'
import type { Reader } from './read.ts'
import { cancelMessage as cancelRow } from './sql/cancel-message.ts'

/** Why the message cannot be cancelled; null: it is. */
export async function cancelIn(db: Queryable, message: MessageKey, status: string): Promise<Problem | null> {
  const { state } = await cancelRow(db, message)
  if (state === 'sending') {
    return new Problem('wrong-state', {
      detail: 'The message is being handed to the provider: too late to cancel it.',
    })
  }
  if (state !== null) return null
  return new Problem('wrong-state', {
    detail: `The message is ${status}: there is nothing left to cancel.`,
  })
}

/** Cancels a message that was not sent, refunds its quota, and answers its new state. */
export const cancelMessage = (deps: ActDeps, reader: Reader, id: string) =>
  actOn(deps, reader, id, (db, message, { status }) => cancelIn(db, message, status))
