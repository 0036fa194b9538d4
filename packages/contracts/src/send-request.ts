import type { NewMessage } from './new-message.ts'
import { Problem } from './problems.ts'

export type { Mailbox, NewAttachment, NewMessage } from './new-message.ts'

export type ParseOptions = {
  /** What `send_at` is measured against. */
  now?: Date | undefined
  /** Where the message stands in the body, such as `#/messages/3`. */
  pointer?: string | undefined
}

/** Checks and normalises the body of POST /v1/send; throws a `Problem` that names every fault. */
export function parseSendRequest(_value: unknown, _options: ParseOptions = {}): NewMessage {
  throw new Problem('internal-error')
}

/** Checks the envelope of POST /v1/send/batch, then each message by itself, in order. */
export function parseSendBatchRequest(
  _value: unknown,
  _options: { now?: Date | undefined } = {},
): (NewMessage | Problem)[] {
  throw new Problem('internal-error')
}
