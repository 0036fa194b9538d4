import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import { type ActDeps, actOn, type MessageKey } from './act-on.ts'
import type { Reader } from './read.ts'
import { holdMessage as holdRow, type NotHeld } from './sql/hold-message.ts'
import { releaseMessage as releaseRow } from './sql/release-message.ts'

const DETAILS: Record<NotHeld, string> = {
  sending: 'The message is being sent to the provider: too late to hold it.',
  held: 'You hold the message already.',
  'set-aside': 'The message is held because workers were lost while they sent it. Retry or cancel it.',
  ended: 'Nothing is left to do for this message, so it cannot be held.',
}

/** Why the message cannot be held; null: it is. */
export async function holdIn(db: Queryable, message: MessageKey): Promise<Problem | null> {
  const refused = await holdRow(db, message)
  return refused && new Problem('wrong-state', { detail: DETAILS[refused] })
}

/** Why the message cannot be released; null: it is. */
export async function releaseIn(db: Queryable, message: MessageKey): Promise<Problem | null> {
  if (await releaseRow(db, message)) return null
  return new Problem('wrong-state', {
    detail:
      'The message is not held by a request. A message that is held for another reason goes on by /retry.',
  })
}

/** Holds a message that was not sent until somebody releases, retries or cancels it. It stays counted on the quota. */
export const holdMessage = (deps: ActDeps, reader: Reader, id: string) => actOn(deps, reader, id, holdIn)

/** Lets a message go on that a person holds. */
export const releaseMessage = (deps: ActDeps, reader: Reader, id: string) =>
  actOn(deps, reader, id, releaseIn)
