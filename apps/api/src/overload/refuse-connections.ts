import { connect, type Socket } from 'node:net'
import { readSend, type WholeSend } from './read-send.ts'

/** Longer than the api tells clients that it keeps connections on which nothing happens, so that few meet the end of one. */
const IDLE_MS = 10_000
/** Between two pieces of a request, and for all of it; then it is the api's, whose parser judges what is late. */
const PIECE_MS = 1_000
const PIECES_MS = 2_000
const AGAIN_MS = 50
/** Of answers that a client does not take. */
const UNREAD_BYTES_MAX = 65_536

const NOTHING = Buffer.alloc(0)

export type Refusing = {
  /** Refuses what comes on a connection from now on. */
  take(socket: Socket): void
  /** How many sends the api has room for: so many of those that come next go to it. */
  setRoom(sends: number): void
  /** Sends are refused, until it rests: then all go to the api, as at the beginning. */
  begin(): void
  rest(): void
  /** Sends that were refused so far. */
  refused(): number
}

/**
 * Answers whole sends with a refusal. A connection on which anything else comes, or a send that there is room for, is joined with
 * one to the api (at `path`) from then on, so there is one place alone that understands HTTP.
 */
export function createRefusing(deps: { path: string; refusal(send: WholeSend): Buffer }): Refusing {
  let room = 0
  let isResting = true
  let refused = 0

  function join(socket: Socket, bytes: Buffer): void {
    const { remoteAddress = '' } = socket
    for (const event of ['data', 'end', 'timeout']) socket.removeAllListeners(event)
    socket.setTimeout(0)
    socket.pause()
    const api = connect({ path: deps.path, allowHalfOpen: true })
    let isJoined = false
    // Each ends with the other; what was answered last still goes out. One that the api has no time to take is tried again.
    api
      .on('error', () => undefined)
      .once('close', () => {
        if (isJoined) socket.destroySoon()
        else if (!socket.destroyed) setTimeout(join, AGAIN_MS, socket, bytes)
      })
    socket.once('close', () => api.destroy())
    api.once('connect', () => {
      isJoined = true
      // Whose connection it is, then what was read of it.
      api.write(`${remoteAddress}\n`)
      api.write(bytes)
      socket.pipe(api)
      api.pipe(socket)
    })
  }

  function take(socket: Socket): void {
    let bytes: Buffer = NOTHING
    let beganAt = 0
    let readAt = performance.now()
    socket.setTimeout(IDLE_MS)
    // Its close follows.
    socket.on('error', () => undefined)
    socket.once('end', () => socket.end())
    // What has arrived while this process had no time is read before: to end a connection with something unread resets it.
    socket.on('timeout', () =>
      setImmediate(() => {
        if (performance.now() - readAt < (bytes.length === 0 ? IDLE_MS : PIECE_MS)) return
        if (bytes.length === 0) socket.destroy()
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
      if (send.kind !== 'whole' || isResting) return join(socket, bytes)
      if (room > 0) {
        room--
        return join(socket, bytes)
      }
      if (socket.timeout === PIECE_MS) socket.setTimeout(IDLE_MS)
      bytes = NOTHING
      refused++
      socket.write(deps.refusal(send))
      if (send.isLast) socket.destroySoon()
      if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy()
    })
  }

  return {
    take,
    setRoom(sends) {
      room = sends
    },
    begin() {
      isResting = false
    },
    rest() {
      isResting = true
    },
    refused: () => refused,
  }
}
