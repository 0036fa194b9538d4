import { Worker } from 'node:worker_threads'
import type { MailReport } from '@lettergate/providers/lib/parse-report'
import type { Authentication, MailSession } from './authenticate.ts'
import type { AutoKind } from './auto-reply.ts'
import type { ReceivedMail } from './content.ts'
import type { InboundKind } from './sql/accept-inbound.ts'

export type ReadJob = { id: number; raw: Uint8Array; kind: InboundKind; session: MailSession }
export type ReadResult = {
  mail: ReceivedMail
  authentication: Authentication
  auto: AutoKind | null
  /** Of a mail that came back to a sender, or looks like one. */
  report: MailReport | null
  /** Why it could not be read as a whole. */
  problem: string | null
}
/** `isReady`: the thread has loaded what it needs. */
export type ReadAnswer =
  | { isReady: true }
  | { id: number; result: ReadResult }
  | { id: number; error: string }

export type MailReader = {
  /** Null: reading it ended its thread, even alone. */
  read(mail: Omit<ReadJob, 'id'>): Promise<ReadResult | null>
  close(): Promise<void>
}

/** Questions to the DNS take five seconds at most: a thread without an answer by then is busy with one mail. */
const READ_MS_MAX = 8_000
const LIMITS = { maxOldGenerationSizeMb: 256, stackSizeMb: 4 }
const SCRIPT = new URL('./read-thread.ts', import.meta.url)

class ThreadEnded extends Error {}

type Waiting = { resolve(result: ReadResult): void; reject(error: Error): void }

/** One thread, in which mails are read side by side while the DNS is asked; its end fails all that it had. */
/** Loading what a thread needs, on a machine that is busy. */
const START_MS_MAX = 30_000

function createThread(options: Options): {
  read: (mail: Omit<ReadJob, 'id'>) => Promise<ReadResult>
  end(): Promise<void>
} {
  const { script = SCRIPT, readMsMax = READ_MS_MAX, mta, onThreadEnded } = options
  let worker: Worker | null = null
  let ready: Promise<unknown> = Promise.resolve()
  let waiting = new Map<number, Waiting>()
  let nextId = 0

  function failAll(from: Worker, reason: string): void {
    if (worker !== from) return
    worker = null
    const failed = waiting
    waiting = new Map()
    void from.terminate()
    onThreadEnded(reason)
    for (const one of failed.values()) one.reject(new ThreadEnded(reason))
  }

  function start(): Worker {
    const started = new Worker(script, { workerData: { mta }, resourceLimits: LIMITS })
    started.unref()
    const { promise, resolve } = Promise.withResolvers<void>()
    ready = promise
    const late = setTimeout(() => failAll(started, 'the thread did not start'), START_MS_MAX)
    started.on('message', (answer: ReadAnswer) => {
      if ('isReady' in answer) {
        clearTimeout(late)
        resolve()
        return
      }
      const one = waiting.get(answer.id)
      waiting.delete(answer.id)
      if ('result' in answer) one?.resolve(answer.result)
      else one?.reject(new Error(answer.error))
    })
    started.on('error', (error) => failAll(started, error instanceof Error ? error.message : String(error)))
    started.on('exit', () => {
      clearTimeout(late)
      failAll(started, 'the thread ended')
    })
    return started
  }

  return {
    async read(mail) {
      worker ??= start()
      const own = worker
      const id = nextId++
      let late: NodeJS.Timeout | undefined
      let isDone = false
      void ready.then(() => {
        if (!isDone) late = setTimeout(() => failAll(own, 'reading took too long'), readMsMax)
      })
      try {
        return await new Promise<ReadResult>((resolve, reject) => {
          waiting.set(id, { resolve, reject })
          own.postMessage({ id, ...mail } satisfies ReadJob)
        })
      } finally {
        isDone = true
        clearTimeout(late)
      }
    },
    async end() {
      const own = worker
      worker = null
      await own?.terminate()
    },
  }
}

type Options = {
  /** Our name in Authentication-Results. */
  mta: string
  onThreadEnded(reason: string): void
  /** For tests. */
  script?: URL
  readMsMax?: number
}

/**
 * Reads mails in another thread with bounds on time and memory. Where that thread ends, any of the mails in it may be the cause: each is read
 * once more, alone, one after another, and the one that ends a thread alone is given up. The one thread of `task-thread` reads one after
 * another, and would wait for the DNS with each.
 */
export function createMailReader(options: Options): MailReader {
  const shared = createThread(options)
  const alone = createThread(options)
  let last: Promise<unknown> = Promise.resolve()

  async function readAlone(mail: Omit<ReadJob, 'id'>): Promise<ReadResult | null> {
    try {
      return await alone.read(mail)
    } catch (error) {
      if (error instanceof ThreadEnded) return null
      throw error
    }
  }

  return {
    async read(mail) {
      try {
        return await shared.read(mail)
      } catch (error) {
        if (!(error instanceof ThreadEnded)) throw error
        const result = last.then(() => readAlone(mail))
        last = result.catch(() => undefined)
        return await result
      }
    },
    async close() {
      await Promise.all([shared.end(), alone.end()])
    },
  }
}
