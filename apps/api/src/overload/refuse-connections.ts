import { connect, type Socket } from 'node:net'
import { readSend, type WholeSend } from './read-send.ts'
import { UNREAD_BYTES_MAX } from './shed-sockets.ts'

/** Longer than the api tells clients that it keeps connections on which nothing happens, so that few meet the end of one. */
const IDLE_MS = 75_000
/** Between two pieces of a request, and for all of it; then it is the api's, whose parser judges what is late. */
const PIECE_MS = 300
const PIECES_MS = 500
/** Between two tries to reach the api, and for all of them. */
const AGAIN_MS = 50
const TRIES_MAX = 40

const NOTHING = Buffer.alloc(0)

export type Refusing = {
  /** Refuses what comes on a connection from now on. */
  take(socket: Socket): void
  /** How many sends the api has room for: so many of those that come next go to it. */
  setRoom(sends: number): void
  /** Sends are refused, until it rests: then all go to the api, as at the beginning. */
  begin(): void
  rest(): void
  /** The api ends: what is under way is answered, and every answer ends its connection. Resolves when the last has ended. */
  finish(): Promise<void>
  /** Sends that were refused so far. */
  refused(): number
}

/**
 * Answers whole sends with a refusal. A connection on which anything else comes, or a send that there is room for, is joined with
 * one to the api (at `path`) from then on, so there is one place alone that understands HTTP.
 */
export function createRefusing(deps: { path: string; refusal(send: WholeSend): Buffer }): Refusing {
  const open = new Set<Socket>()
  const joined = new WeakSet<Socket>()
  let room = 0
  let state: 'resting' | 'refusing' | 'finishing' = 'resting'
  let refused = 0
  let onEmpty: (() => void) | undefined

  function join(socket: Socket, bytes: Buffer, tries = 1): void {
    if (socket.destroyed) return
    for (const event of ['data', 'end', 'timeout']) socket.removeAllListeners(event)
    socket.setTimeout(0)
    socket.pause()
    joined.add(socket)
    const api = connect({ path: deps.path, allowHalfOpen: true })
    const leave = () => api.destroy()
    let isConnected = false
    socket.once('close', leave)
    // Its close follows.
    api.on('error', () => undefined)
    api.once('connect', () => {
      isConnected = true
      // Whose connection it is, then what was read of it.
      api.write(`${socket.remoteAddress ?? ''}\n`)
      api.write(bytes)
      socket.pipe(api)
      api.pipe(socket)
    })
    api.once('close', () => {
      socket.off('close', leave)
      // What was answered last still goes out. One that the api has no time to take is tried again.
      if (isConnected || tries >= TRIES_MAX) socket.destroySoon()
      else setTimeout(join, AGAIN_MS, socket, bytes, tries + 1)
    })
  }

  function take(socket: Socket): void {
    let bytes: Buffer = NOTHING
    let beganAt = 0
    let readAt = performance.now()
    open.add(socket)
    socket.setTimeout(IDLE_MS)
    socket.once('close', () => {
      open.delete(socket)
      if (open.size === 0) onEmpty?.()
    })
    // Its close follows.
    socket.on('error', () => undefined)
    socket.once('end', () => socket.end())
    // What has arrived while this process had no time is read before: to end a connection with something unread resets it.
    socket.on('timeout', () =>
      setImmediate(() => {
        const limitMs = bytes.length === 0 ? IDLE_MS : PIECE_MS
        // Timers count whole milliseconds, and come a part of one early.
        if (performance.now() - readAt < limitMs - 1) socket.setTimeout(limitMs)
        else if (bytes.length === 0) socket.destroy()
        else join(socket, bytes)
      }),
    )
    socket.on('data', (chunk: Buffer) => {
      readAt = performance.now()
      if (bytes.length === 0) beganAt = readAt
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      const send = readSend(bytes)
      if (send.kind === 'part' && readAt - beganAt < PIECES_MS) {
        socket.setTimeout(PIECE_MS)
        return
      }
      if (send.kind !== 'whole' || state === 'resting') return join(socket, bytes)
      if (room > 0) {
        room--
        return join(socket, bytes)
      }
      if (socket.timeout === PIECE_MS) socket.setTimeout(IDLE_MS)
      bytes = NOTHING
      refused++
      const isLast = send.isLast || state === 'finishing'
      socket.write(deps.refusal({ ...send, isLast }))
      if (isLast) socket.destroySoon()
      if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy()
    })
  }

  return {
    take,
    setRoom(sends) {
      room = sends
    },
    begin() {
      state = 'refusing'
    },
    rest() {
      state = 'resting'
    },
    async finish() {
      state = 'finishing'
      room = 0
      if (open.size === 0) return
      await new Promise<void>((resolve) => {
        onEmpty = resolve
      })
    },
    refused: () => refused,
  }
}
