import { connect, type Socket } from 'node:net'

export type OverloadPlan = {
  port: number
  apiKey: string
  sockets: number
  /** Arrivals a second, whatever comes back; without it, each socket asks again as soon as it was answered. */
  perSecond?: number
  seconds: number
}

export type OverloadResult = {
  seconds: number
  /** Requests that were due, and those that found a socket to go out on. */
  due: number
  sent: number
  /** By status; 0: the connection broke before the answer. */
  answers: Record<number, number>
  /** Answers other than 202 without a Retry-After. */
  withoutRetryAfter: number
  /** From the moment that the request was written to its answer. */
  acceptedMs: number[]
  refusedMs: number[]
  acceptedIds: string[]
  /** When each of them was answered, in milliseconds since the epoch. */
  acceptedAt: number[]
  unanswered: number
  /** Answered that the storage gave no answer in time: the message may have been stored. */
  uncertain: number
}

const GRACE_MS = 5_000
const SETTLE_MS = 1_000
const TICK_MS = 2
const ID = /"id":"(msg_[0-9a-z]+)"/

/**
 * A load that costs little of the machine that it shares with the gateway: the request is written once and sent as bytes,
 * and of the answer only the status, Retry-After and the id are looked at. Each socket has one request under way.
 */
export function overload(plan: OverloadPlan): Promise<OverloadResult> {
  const request = overloadRequest(plan.apiKey)
  const result: OverloadResult = {
    seconds: plan.seconds,
    due: 0,
    sent: 0,
    answers: {},
    withoutRetryAfter: 0,
    unanswered: 0,
    uncertain: 0,
    acceptedMs: [],
    refusedMs: [],
    acceptedIds: [],
    acceptedAt: [],
  }
  /** Requests that are due and wait for a socket. */
  let waiting = 0
  const free: Socket[] = []
  const underWay = new Map<Socket, { sentAt: number; text: string }>()
  let ended = false
  let connected = 0

  function send(socket: Socket): void {
    underWay.set(socket, { sentAt: performance.now(), text: '' })
    result.sent++
    socket.write(request)
  }
  function next(socket: Socket): void {
    if (ended) return
    if (plan.perSecond === undefined) {
      result.due++
      send(socket)
    } else if (waiting > 0) {
      waiting--
      send(socket)
    } else free.push(socket)
  }
  function answered(socket: Socket, text: string, sentAt: number): void {
    const status = Number(text.slice(9, 12))
    const tookMs = performance.now() - sentAt
    result.answers[status] = (result.answers[status] ?? 0) + 1
    if (status === 202) {
      result.acceptedMs.push(tookMs)
      result.acceptedAt.push(Date.now())
      result.acceptedIds.push(ID.exec(text)?.[1] ?? 'without an id')
    } else {
      result.refusedMs.push(tookMs)
      if (text.includes('"code":"storage-unavailable"')) result.uncertain++
      if (!/^retry-after:/im.test(text)) result.withoutRetryAfter++
    }
    if (/^connection: close/im.test(text)) socket.end()
    else next(socket)
  }
  function open(): void {
    const socket = connect({ host: '127.0.0.1', port: plan.port, noDelay: true })
    socket.setEncoding('latin1')
    socket.on('connect', () => {
      // From then on: opening the sockets is not what is measured, nor taking them, for which the other side has a second.
      if (++connected === plan.sockets) start = performance.now() + SETTLE_MS
      next(socket)
    })
    socket.on('error', () => undefined)
    socket.on('data', (chunk: string) => {
      const exchange = underWay.get(socket)
      if (exchange === undefined) return
      exchange.text += chunk
      if (!isWhole(exchange.text)) return
      underWay.delete(socket)
      answered(socket, exchange.text, exchange.sentAt)
    })
    socket.on('close', () => {
      if (underWay.delete(socket)) result.answers[0] = (result.answers[0] ?? 0) + 1
      const at = free.indexOf(socket)
      if (at !== -1) free.splice(at, 1)
      if (!ended) open()
    })
  }

  let start = Number.POSITIVE_INFINITY
  for (let count = 0; count < plan.sockets; count++) open()
  const { promise, resolve } = Promise.withResolvers<OverloadResult>()
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - start
    if (!(elapsedMs > 0)) return
    if (!ended && elapsedMs < plan.seconds * 1000) return offer(elapsedMs)
    ended = true
    if (underWay.size > 0 && elapsedMs < plan.seconds * 1000 + GRACE_MS) return
    clearInterval(timer)
    for (const socket of [...free, ...underWay.keys()]) socket.destroy()
    resolve({ ...result, unanswered: underWay.size })
  }, TICK_MS)

  function offer(elapsedMs: number): void {
    if (plan.perSecond === undefined) return
    const due = Math.floor((elapsedMs / 1000) * plan.perSecond)
    for (; result.due < due; result.due++) {
      const socket = free.pop()
      if (socket === undefined) waiting++
      else send(socket)
    }
  }
  return promise
}

/** The bytes of every request of a load. */
function overloadRequest(apiKey: string): Buffer {
  const body = JSON.stringify({
    from: 'app@acme.example',
    to: ['user@example.net'],
    subject: 'Overload',
    text: 'One of more mails than anybody can take. '.repeat(20),
  })
  return Buffer.from(
    `POST /v1/send HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${apiKey}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /content-length: (\d+)/i.exec(text)?.[1]
  return text.length >= end + 4 + Number(length ?? 0)
}
