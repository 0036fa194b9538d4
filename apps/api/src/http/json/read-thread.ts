import { hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import {
  type NewMessage,
  parseSendBatch,
  parseSendRequest,
} from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { canonicalHash } from './canonical-hash.ts'
import { parseJson } from './parse-json.ts'
import type { FromThread, LargeTask, PlainProblem, ToThread } from './read-large.ts'

/** A chunk ends with the message that fills it: receiving it takes the other thread a few milliseconds. */
const CHUNK_MESSAGES = 20
const CHUNK_CHARS = 512 * 1024

type Chunk = Extract<FromThread, { kind: 'chunk' }>

let chunks: Uint8Array[] = []
let entries: Iterator<NewMessage | Problem, void> | undefined

/** Runs in a thread of its own: see `read-large.ts`. */
parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'chunk') chunks.push(message.bytes)
  else answer(() => (message.kind === 'read' ? begin(message.task) : nextChunk()))
})

function answer(work: () => Chunk): void {
  let result: FromThread
  try {
    result = work()
  } catch (error) {
    result =
      error instanceof Problem
        ? { kind: 'refused', problem: plain(error) }
        : { kind: 'broken', reason: String(error) }
  }
  if (result.kind !== 'chunk' || result.isLast) entries = undefined
  parentPort?.postMessage(result, result.kind === 'chunk' ? ownBuffers(result) : [])
}

function begin({ kind, now, isKeyed }: LargeTask): Chunk {
  const bytes = Buffer.concat(chunks)
  chunks = []
  const value = parseJson(bytes)
  const options = { now: new Date(now) }
  entries = kind === 'batch' ? parseSendBatch(value, options) : one(value, options)
  const chunk = nextChunk()
  if (!isKeyed) return chunk
  return { ...chunk, hash: { ofValue: canonicalHash(value), ofBytes: hash('sha256', bytes, 'buffer') } }
}

function* one(value: unknown, options: { now: Date }): Generator<NewMessage | Problem, void> {
  let entry: NewMessage | Problem
  try {
    entry = parseSendRequest(value, options)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    entry = error
  }
  yield entry
}

function nextChunk(): Chunk {
  const chunk: Chunk = { kind: 'chunk', entries: [], isLast: false }
  let chars = 0
  while (chunk.entries.length < CHUNK_MESSAGES && chars < CHUNK_CHARS) {
    const next = entries?.next()
    if (!next || next.done) return { ...chunk, isLast: true }
    if (next.value instanceof Problem) chunk.entries.push({ problem: plain(next.value) })
    else {
      chars += (next.value.text?.length ?? 0) + (next.value.html?.length ?? 0)
      chunk.entries.push(next.value)
    }
  }
  return chunk
}

function plain({ code, detail, errors, headers }: Problem): PlainProblem {
  return { code, detail, errors, headers }
}

/** Gives each file memory of its own, so that it changes hands: a small one shares its memory with others. */
function ownBuffers(chunk: Chunk): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = []
  for (const entry of chunk.entries) {
    if ('problem' in entry) continue
    for (const file of entry.attachments) {
      if (file.content.byteLength !== file.content.buffer.byteLength) {
        const own = new ArrayBuffer(file.content.byteLength)
        const content = Buffer.from(own)
        file.content.copy(content)
        file.content = content
      }
      if (file.content.buffer instanceof ArrayBuffer) buffers.push(file.content.buffer)
    }
  }
  return buffers
}
