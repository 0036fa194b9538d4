import { Worker } from 'node:worker_threads'
import type { NewMessage } from '@lettergate/contracts/messages/new-message'
import { type Fault, Problem, type ProblemCode } from '@lettergate/contracts/problems/problems'

/** A larger body of messages is read by another thread: its text alone would hold this one for too long. */
export const LARGE_BYTES_MIN = 1024 * 1024
/** Longer than any body takes; a thread that needs more is ended, and the request is refused. */
const TASK_MS_MAX = 20_000
const IDLE_MS = 30_000
const HEAP_MB_MAX = 768

export type LargeTask = {
  kind: 'send' | 'batch'
  /** Milliseconds since the epoch: what `send_at` is measured against. */
  now: number
  /** Whether the body's hashes are needed. */
  isKeyed: boolean
}

/** A problem without its class, which does not survive the way between threads. */
export type PlainProblem = {
  code: ProblemCode
  detail: string
  errors: Fault[] | undefined
  headers: Record<string, string> | undefined
}

export type ToThread =
  | { kind: 'chunk'; bytes: Uint8Array }
  | { kind: 'read'; task: LargeTask }
  | { kind: 'more' }

type PlainHash = { ofValue: Uint8Array; ofBytes: Uint8Array }

/** Messages come in portions, each asked for, so that taking them over never holds this thread for long. */
export type FromThread =
  | {
      kind: 'portion'
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

type Lane = { worker: Worker; idle: NodeJS.Timeout | undefined }

/** One for the process: two would hold two large bodies in memory several times over, and take the processor from small ones. */
let lane: Lane | undefined
let last: Promise<unknown> = Promise.resolve()

/** Reads a large body in another thread, one body at a time, in order. The chunks are its own from then on. */
export function readLarge(chunks: Buffer[], task: LargeTask): Promise<ReadMessages> {
  const result = last.then(() => run(chunks, task))
  last = result.catch(() => undefined)
  return result
}

function takeLane(): Lane {
  const taken = lane ?? {
    worker: new Worker(new URL('./read-thread.ts', import.meta.url), {
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

/** Chunks that own their memory change hands; others are copied. */
function hand(worker: Worker, chunks: Buffer[]): void {
  for (const chunk of chunks.splice(0)) {
    const owned = chunk.byteLength === chunk.buffer.byteLength ? chunk : new Uint8Array(chunk)
    const message: ToThread = { kind: 'chunk', bytes: owned }
    worker.postMessage(message, owned.buffer instanceof ArrayBuffer ? [owned.buffer] : [])
  }
}

function toProblem({ code, ...options }: PlainProblem): Problem {
  return new Problem(code, options)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Adds a portion; bytes that come from another thread have lost their class. */
function take(read: ReadMessages, { entries, hash }: Extract<FromThread, { kind: 'portion' }>): void {
  for (const entry of entries) {
    if ('problem' in entry) read.entries.push(toProblem(entry.problem))
    else {
      const attachments = entry.attachments.map((file) => ({ ...file, content: asBuffer(file.content) }))
      read.entries.push({ ...entry, attachments })
    }
  }
  if (hash) read.hash = { ofValue: asBuffer(hash.ofValue), ofBytes: asBuffer(hash.ofBytes) }
}

function run(chunks: Buffer[], task: LargeTask): Promise<ReadMessages> {
  const taken = takeLane()
  const { worker } = taken
  const { promise, resolve, reject } = Promise.withResolvers<ReadMessages>()
  const read = new ReadMessages()
  const ask = (message: ToThread) => worker.postMessage(message)
  const drop = (reason: string) => {
    if (lane === taken) lane = undefined
    void worker.terminate()
    const cause = new Error(`a large body could not be read: ${reason}`)
    reject(new Problem('overloaded', { headers: { 'retry-after': '1' }, cause }))
  }
  const onMessage = (answer: FromThread) => {
    if (answer.kind === 'broken') return drop(answer.reason)
    if (answer.kind === 'portion') {
      take(read, answer)
      // Asked for at another turn: others run in between.
      if (!answer.isLast) return void setImmediate(ask, { kind: 'more' })
      resolve(read)
    } else reject(toProblem(answer.problem))
    giveBack(taken)
  }
  const onError = (error: Error) => drop(error.message)
  const onExit = () => drop('its thread ended')
  const late = setTimeout(() => drop('it took too long'), TASK_MS_MAX)
  worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  worker.ref()
  hand(worker, chunks)
  ask({ kind: 'read', task })
  return promise.finally(() => {
    clearTimeout(late)
    worker.off('message', onMessage).off('exit', onExit)
    // An `error` without a listener would end the process.
    if (lane === taken) worker.off('error', onError)
  })
}
