import { type AddressInfo, createServer } from 'node:net'
import { createRequestReader, taggedId } from './read-requests.ts'

/*
 * Takes mail as SES v2 does, and does nothing else: what it costs is taken from the two cores that the gateway is measured on.
 * Measured when busy, 13 µs of processor a message beside 16 of the fault tests' provider, which can misbehave. Ends with its parent.
 */

export type SinkReport = {
  /** Messages, each once. */
  taken: number
  /** Requests for a message that was taken before; always 0. */
  repeats: number
  /** Requests without a message id; always 0. */
  unnamed: number
  /** Messages taken in each tenth of a second, from the first of them on. */
  perTenth: number[]
}
/** `reach`: report when this total was accepted. */
export type SinkQuestion = { number: number; reach?: number }
export type SinkAnswer = { number: number; at: number; report: SinkReport }

const TENTH_MS = 100
const ids = new Set<string>()
const perTenth = new Map<number, number>()
const open: Required<SinkQuestion>[] = []
let [repeats, unnamed, answers] = [0, 0, 0]

function take(body: Buffer): void {
  const id = taggedId(body)
  if (id === undefined) unnamed++
  else if (ids.has(id)) repeats++
  else {
    ids.add(id)
    const tenth = Math.floor(Date.now() / TENTH_MS)
    perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1)
    if (open.length > 0) tellWhoWaits()
  }
}

function tellWhoWaits(): void {
  for (let index = open.length - 1; index >= 0; index--) {
    const question = open[index]
    if (!question || ids.size < question.reach) continue
    open.splice(index, 1)
    tell(question.number)
  }
}

function tell(number: number): void {
  const first = Math.min(...perTenth.keys())
  const last = Math.max(...perTenth.keys())
  const counts =
    ids.size === 0 ? [] : Array.from({ length: last - first + 1 }, (_, at) => perTenth.get(first + at) ?? 0)
  const report: SinkReport = { taken: ids.size, repeats, unnamed, perTenth: counts }
  process.send?.({ number, at: Date.now(), report } satisfies SinkAnswer)
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined)
  socket.on(
    'data',
    createRequestReader((body) => {
      // Without one it is the worker's question for the account's limits, and no message.
      if (body.length > 0) take(body)
      const answer = `{"MessageId":"sink-${++answers}"}`
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`,
        'latin1',
      )
    }),
  )
})

process.on('message', ({ number, reach = 0 }: SinkQuestion) => {
  open.push({ number, reach })
  tellWhoWaits()
})
process.once('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
