import type { OutboundMessage } from '../provider.ts'
import { createTaskThread } from './task-thread.ts'

/** Content that would hold the thread for longer than small mail may wait is encoded by another one. */
export const LARGE_BYTES_MIN = 1024 * 1024
/** Cost of a character of text in bytes of a file: quoted-printable is encoded character by character. */
const TEXT_WEIGHT = 16

export type EncodeTask =
  | { kind: 'mime'; message: OutboundMessage }
  | { kind: 'json'; value: object }
  | { kind: 'base64'; bytes: Uint8Array }

export type EncodeAnswer = { bytes: Uint8Array } | { error: string }

/** The message could not be encoded, and nothing of it has left. */
export class EncodeFailed extends Error {}

/** Cost of encoding a message, in bytes of a file. */
export function encodeWeight({ attachments, text = '', html = '' }: OutboundMessage): number {
  const files = attachments.reduce((sum, { content }) => sum + content.length, 0)
  return files + TEXT_WEIGHT * (text.length + html.length)
}

const thread = createTaskThread<EncodeTask, EncodeAnswer>(
  new URL('./encode-thread.ts', import.meta.url),
  (reason) => new EncodeFailed(`the message could not be encoded: ${reason}`),
)

/** Encodes in another thread, one task at a time, in order. The bytes of the answer are shared, so they can be encoded further. */
export function encodeLarge(task: EncodeTask): Promise<Buffer> {
  return thread.run<Buffer>(({ ask, done, fail }) => {
    ask(task)
    return (answer) => {
      if ('error' in answer) fail(new EncodeFailed(answer.error))
      else done(Buffer.from(answer.bytes.buffer, answer.bytes.byteOffset, answer.bytes.byteLength))
    }
  })
}
