import type { ChildProcess } from 'node:child_process'
import { forkSink } from './fork-sink.ts'
import type { SinkAnswer, SinkQuestion, SinkReport } from './http-sink-main.ts'

export type HttpSink = AsyncDisposable & {
  url: string
  pid: number
  report(): Promise<SinkReport>
  /** When the sink had accepted this number of messages in total, in milliseconds since the epoch. */
  reached(count: number, timeoutMs: number): Promise<number>
}

/** Starts the sink in a process of its own and waits until it listens. */
export async function startHttpSink(): Promise<HttpSink> {
  const { port, child, [Symbol.asyncDispose]: stop } = await forkSink('http-sink-main.ts')
  const ask = createAsker(child)
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? -1,
    report: async () => (await ask({}, 10_000)).report,
    reached: async (reach, timeoutMs) => (await ask({ reach }, timeoutMs)).at,
    [Symbol.asyncDispose]: stop,
  }
}

function createAsker(child: ChildProcess) {
  const open = new Map<number, (answer: SinkAnswer) => void>()
  let number = 0
  child.on('message', (answer: SinkAnswer) => {
    open.get(answer.number)?.(answer)
    open.delete(answer.number)
  })
  return (question: Omit<SinkQuestion, 'number'>, timeoutMs: number): Promise<SinkAnswer> => {
    const { promise, resolve, reject } = Promise.withResolvers<SinkAnswer>()
    const mine = ++number
    const timer = setTimeout(
      () => reject(new Error(`the sink did not take ${question.reach} messages within ${timeoutMs} ms`)),
      timeoutMs,
    )
    open.set(mine, (answer) => {
      clearTimeout(timer)
      resolve(answer)
    })
    child.send({ ...question, number: mine } satisfies SinkQuestion)
    return promise
  }
}
