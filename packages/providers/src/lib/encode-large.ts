import { Worker } from 'node:worker_threads'
import type { MimeContent, OutboundMessage } from '../provider.ts'

/** Content that would hold the thread for longer than small mail may wait is encoded by another one. */
export const LARGE_BYTES_MIN = 1024 * 1024
/** A letter of text costs as much as so many bytes of a file: quoted-printable is written letter by letter. */
const TEXT_WEIGHT = 16
/** Longer than any message takes; a thread that needs more is ended, and the message is tried again later. */
const TASK_MS_MAX = 20_000
const IDLE_MS = 10_000
const HEAP_MB_MAX = 768

export type EncodeTask =
  | { kind: 'mime'; message: OutboundMessage }
  | { kind: 'json'; value: object }
  | { kind: 'base64'; bytes: Uint8Array }
type DecodeTask = { kind: 'decode'; raw: Uint8Array }
export type Task = EncodeTask | DecodeTask

export type EncodeAnswer = { bytes: Uint8Array } | { content: MimeContent | null } | { fault: string }

/** The message could not be encoded, and nothing of it has left. */
export class EncodeFailed extends Error {}

/** What encoding a message costs, in bytes of a file. */
export function encodeWeight({ attachments, text = '', html = '' }: OutboundMessage): number {
  const files = attachments.reduce((sum, { content }) => sum + content.length, 0)
  return files + TEXT_WEIGHT * (text.length + html.length)
}

type Lane = { worker: Worker; idle: NodeJS.Timeout | undefined }

/**
 * One for the process, begun by the first large message and ended after the last: two would hold two large messages in memory at
 * once, and take the processor from small ones.
 */
let lane: Lane | undefined
let last: Promise<unknown> = Promise.resolve()

/** Encodes in another thread, one task at a time, in order. The bytes of the answer are shared, so they can be encoded further. */
export async function encodeLarge(task: EncodeTask): Promise<Buffer> {
  const answer = await inTurn(task)
  if (!('bytes' in answer)) throw new EncodeFailed('there is no answer')
  return asBuffer(answer.bytes)
}

/** Decodes a mail in the same thread; null: it cannot be said without MIME. */
export async function decodeLarge(raw: Buffer): Promise<MimeContent | null> {
  const answer = await inTurn({ kind: 'decode', raw })
  if (!('content' in answer)) throw new EncodeFailed('there is no answer')
  const { content } = answer
  // What comes from another thread has lost its class.
  return (
    content && {
      ...content,
      attachments: content.attachments.map((file) => ({ ...file, content: asBuffer(file.content) })),
    }
  )
}

function inTurn(task: Task): Promise<EncodeAnswer> {
  const result = last.then(() => run(task))
  last = result.catch(() => undefined)
  return result
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function takeLane(): Lane {
  const taken = lane ?? {
    worker: new Worker(new URL('./encode-thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    }),
    idle: undefined,
  }
  clearTimeout(taken.idle)
  lane = taken
  return taken
}

function giveBack(taken: Lane): void {
  taken.worker.unref()
  taken.idle = setTimeout(() => {
    if (lane === taken) lane = undefined
    void taken.worker.terminate()
  }, IDLE_MS).unref()
}

function run(task: Task): Promise<EncodeAnswer> {
  const taken = takeLane()
  const { worker } = taken
  const { promise, resolve, reject } = Promise.withResolvers<EncodeAnswer>()
  const drop = (reason: string) => {
    if (lane === taken) lane = undefined
    void worker.terminate()
    reject(new EncodeFailed(reason))
  }
  const onMessage = (answer: EncodeAnswer) => {
    giveBack(taken)
    if ('fault' in answer) reject(new EncodeFailed(answer.fault))
    else resolve(answer)
  }
  const onError = (error: Error) => drop(error.message)
  const onExit = () => drop('the thread that encodes ended')
  const late = setTimeout(() => drop('encoding took too long'), TASK_MS_MAX)
  worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  worker.ref()
  worker.postMessage(task)
  return promise.finally(() => {
    clearTimeout(late)
    worker.off('message', onMessage).off('exit', onExit)
    // An `error` without a listener would end the process.
    if (lane === taken) worker.off('error', onError)
  })
}
