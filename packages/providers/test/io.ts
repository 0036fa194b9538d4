import { connect, type Socket } from 'node:net'
import { Agent } from 'undici'
import type { Io, NetworkFailure, OutboundMessage } from '../src/provider.ts'

const answerBytesMax = 1024 * 1024

/** The time at which every test of an adapter takes place. */
export const testTime = new Date('2026-11-20T10:00:00Z')

/** A valid message; a test names what matters to it. */
export function buildOutboundMessage(changes: Partial<OutboundMessage> = {}): OutboundMessage {
  const to = changes.to ?? [{ address: 'reader@example.org' }]
  return {
    id: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
    attemptKey: 'attempt-1',
    createdAt: new Date('2026-11-20T10:00:00Z'),
    from: { address: 'writer@example.com', name: 'The Writer' },
    to,
    cc: [],
    bcc: [],
    replyTo: [],
    envelopeTo: to.map(({ address }) => address),
    subject: 'Hello',
    text: 'Hello, reader.\n',
    html: '<p>Hello, <b>reader</b>.</p>\n',
    headers: {},
    attachments: [],
    tags: [],
    metadata: {},
    ...changes,
  }
}

export type TestIo = Io & {
  /** Sockets that are open now. */
  openSockets(): number
  close(): Promise<void>
}

/** Real sockets to this machine, without the guard, and with a deadline for the call, and others for its parts if they are named. */
export function createTestIo(
  timeoutMs = 5000,
  { beginMs = timeoutMs, answerMs = timeoutMs }: { beginMs?: number; answerMs?: number } = {},
): TestIo {
  const sockets = new Set<Socket>()
  const open = (port: number, done: (error: Error | null, socket: Socket | null) => void) => {
    const socket = connect(port, '127.0.0.1')
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.once('error', (error) => done(failure(error.message, false), null))
    socket.once('connect', () => done(null, socket))
  }
  const agent = new Agent({
    allowH2: false,
    connect: ({ port }, done) =>
      open(Number(port), (error, socket) => (socket ? done(null, socket) : done(error ?? new Error(), null))),
  })
  const signal = AbortSignal.timeout(timeoutMs)
  const endsAt = performance.now() + timeoutMs
  let closing: Promise<void> | undefined

  return {
    signal,
    beginSignal: AbortSignal.timeout(beginMs),
    answerSignal: AbortSignal.timeout(answerMs),
    msLeft: () => endsAt - performance.now(),
    now: () => testTime,
    connect: ({ port }) =>
      new Promise((resolve, reject) =>
        open(port, (error, socket) => (socket ? resolve(socket) : reject(error))),
      ),
    request: async ({ method, url, headers, body, ...limits }) => {
      try {
        const { origin, pathname, search } = new URL(url)
        const answer = await agent.request({
          origin,
          path: pathname + search,
          method,
          headers,
          body: body ?? null,
          signal:
            limits.timeoutMs === undefined
              ? signal
              : AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)]),
        })
        const content = Buffer.from(await answer.body.arrayBuffer())
        if (content.length > (limits.answerBytesMax ?? answerBytesMax)) throw failure('answer too long', true)
        return { status: answer.statusCode, headers: answer.headers, body: content }
      } catch (error) {
        throw error instanceof Error && 'bodySent' in error ? error : failure(String(error), true)
      }
    },
    replaceSecret: () => {},
    openSockets: () => sockets.size,
    close: () => {
      closing ??= agent.close()
      return closing
    },
  }
}

/** The error that `Io` throws. */
export function failure(reason: string, bodySent: boolean, refused = false): NetworkFailure {
  return Object.assign(new Error(reason), { reason, bodySent, refused })
}
