import type { NewMessage } from '@lettergate/contracts/messages/new-message'
import { Problem, type ProblemCode, type ValidationIssue } from '@lettergate/contracts/problems/problems'
import { createTaskThread } from '@lettergate/providers/lib/task-thread'

/** A larger body is read by another thread: its text would block this one for too long. */
export const LARGE_BYTES_MIN = 1024 * 1024

export type LargeTask = {
  kind: 'send' | 'batch'
  /** Milliseconds since the epoch: what `send_at` is measured against. */
  now: number
  /** Whether the body's hashes are needed. */
  isKeyed: boolean
}

/** A problem without its class, which is lost between threads. */
export type PlainProblem = {
  code: ProblemCode
  detail: string
  errors: ValidationIssue[] | undefined
  headers: Record<string, string> | undefined
}

export type ToThread =
  | { kind: 'chunk'; bytes: Uint8Array }
  | { kind: 'read'; task: LargeTask }
  | { kind: 'more' }

type PlainHash = { ofValue: Uint8Array; ofBytes: Uint8Array }

/** Messages arrive in chunks, each on request, so that receiving them never blocks this thread for long. */
export type FromThread =
  | {
      kind: 'chunk'
      entries: (NewMessage | { problem: PlainProblem })[]
      isLast: boolean
      hash?: PlainHash
    }
  | { kind: 'refused'; problem: PlainProblem }
  | { kind: 'broken'; reason: string }

/** The messages of a large body, checked already. */
export class ReadMessages {
  readonly entries: (NewMessage | Problem)[] = []
  /** SHA-256 of the body as a JSON value and as bytes. */
  hash: { ofValue: Buffer; ofBytes: Buffer } | null = null
}

/** Empties the list: chunks that own their memory change hands, others are copied. */
function handOver(chunks: Buffer[]): [ToThread, ArrayBuffer[]][] {
  return chunks.splice(0).map((chunk) => {
    const owned = chunk.byteLength === chunk.buffer.byteLength ? chunk : new Uint8Array(chunk)
    return [{ kind: 'chunk', bytes: owned }, owned.buffer instanceof ArrayBuffer ? [owned.buffer] : []]
  })
}

function toProblem({ code, ...options }: PlainProblem): Problem {
  return new Problem(code, options)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Adds a chunk; bytes that come from another thread have lost their class. */
function take(read: ReadMessages, { entries, hash }: Extract<FromThread, { kind: 'chunk' }>): void {
  for (const entry of entries) {
    if ('problem' in entry) read.entries.push(toProblem(entry.problem))
    else {
      const attachments = entry.attachments.map((file) => ({ ...file, content: asBuffer(file.content) }))
      read.entries.push({ ...entry, attachments })
    }
  }
  if (hash) read.hash = { ofValue: asBuffer(hash.ofValue), ofBytes: asBuffer(hash.ofBytes) }
}

const thread = createTaskThread<ToThread, FromThread>(
  new URL('./read-thread.ts', import.meta.url),
  (reason) => {
    const cause = new Error(`a large body could not be read: ${reason}`)
    return new Problem('overloaded', { headers: { 'retry-after': '1' }, cause })
  },
)

/** Reads a large body in another thread, one body at a time, in order. The chunks are its own from then on. */
export function readLarge(chunks: Buffer[], task: LargeTask): Promise<ReadMessages> {
  return thread.run<ReadMessages>(({ ask, done, fail, drop }) => {
    const read = new ReadMessages()
    for (const [message, transfer] of handOver(chunks)) ask(message, transfer)
    ask({ kind: 'read', task })
    return (answer) => {
      if (answer.kind === 'broken') return drop(answer.reason)
      if (answer.kind === 'refused') return fail(toProblem(answer.problem))
      take(read, answer)
      if (answer.isLast) done(read)
      // Read in a later turn, so that other work runs in between.
      else setImmediate(ask, { kind: 'more' })
    }
  })
}
