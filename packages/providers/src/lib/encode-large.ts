import type { MimeContent, OutboundMessage } from '../provider.ts'
import { createTaskThread } from './task-thread.ts'

/** Content that would hold the thread for longer than small mail may wait is encoded by another one. */
export const LARGE_BYTES_MIN = 1024 * 1024
/** Cost of a character of text in bytes of a file: quoted-printable is encoded character by character. */
const TEXT_WEIGHT = 16

export type EncodeTask =
  | { kind: 'mime'; message: OutboundMessage }
  | { kind: 'json'; value: object }
  | { kind: 'base64'; bytes: Uint8Array }
type DecodeTask = { kind: 'decode'; raw: Uint8Array }
export type Task = EncodeTask | DecodeTask

export type EncodeAnswer = { bytes: Uint8Array } | { content: MimeContent | null } | { error: string }

/** The message could not be encoded, and nothing of it has left. */
export class EncodeFailed extends Error {}

/** Cost of encoding a message, in bytes of a file. */
export function encodeWeight({ attachments, text = '', html = '' }: OutboundMessage): number {
  const files = attachments.reduce((sum, { content }) => sum + content.length, 0)
  return files + TEXT_WEIGHT * (text.length + html.length)
}

const thread = createTaskThread<Task, EncodeAnswer>(
  new URL('./encode-thread.ts', import.meta.url),
  (reason) => new EncodeFailed(`the message could not be encoded: ${reason}`),
)

/** Encodes in another thread, one task at a time, in order. The bytes of the answer are shared, so they can be encoded further. */
export function encodeLarge(task: EncodeTask): Promise<Buffer> {
  return run(task, (answer) => ('bytes' in answer ? asBuffer(answer.bytes) : undefined))
}

/** Decodes a mail in the same thread; null: it cannot be expressed without MIME. */
export function decodeLarge(raw: Buffer): Promise<MimeContent | null> {
  return run({ kind: 'decode', raw }, (answer) => {
    if (!('content' in answer)) return undefined
    const { content } = answer
    const withBuffers = (files: MimeContent['attachments']) =>
      files.map((file) => ({ ...file, content: asBuffer(file.content) }))
    return content && { ...content, attachments: withBuffers(content.attachments) }
  })
}

/** `read` takes the result out of the answer; undefined: it is the answer to another task. */
function run<Result>(task: Task, read: (answer: EncodeAnswer) => Result | undefined): Promise<Result> {
  return thread.run<Result>(({ ask, done, fail }) => {
    ask(task)
    return (answer) => {
      const result = read(answer)
      if (result !== undefined) done(result)
      else fail(new EncodeFailed('error' in answer ? answer.error : 'the thread gave another answer'))
    }
  })
}

/** The same bytes: values from another thread have lost their class. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
