import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** A client of SMTP that sends any bytes, and reads replies one by one. */
export type RawClient = {
  /** The next reply, all its lines; rejects if the server has closed. */
  read(): Promise<string>
  write(bytes: string | Buffer): void
  /** Sends a line and answers the reply. */
  ask(line: string): Promise<string>
  upgrade(options?: ConnectionOptions): Promise<void>
  /** Everything until the server closes. */
  rest(): Promise<string>
  isClosed(): boolean
  close(): void
  destroy(): void
  socket(): Socket
}

const waitMs = 10_000

export async function connectRaw(
  port: number,
  options: { tls?: ConnectionOptions /** The address that it comes from. */; from?: string } = {},
): Promise<RawClient> {
  const plain = connect({ port, host: '127.0.0.1', ...(options.from && { localAddress: options.from }) })
  let socket: Socket = plain
  let text = ''
  let isClosed = false
  let wake = () => {}

  function listen(to: Socket): void {
    to.on('data', (piece) => {
      text += piece.toString('latin1')
      wake()
    })
    to.on('error', () => {})
    to.on('close', () => {
      isClosed = true
      wake()
    })
  }
  async function more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    wake = resolve
    await Promise.race([
      promise,
      sleep(waitMs, undefined, { ref: false }).then(() =>
        Promise.reject(new Error(`no reply; so far: ${text}`)),
      ),
    ])
  }
  async function upgrade(given: ConnectionOptions = {}): Promise<void> {
    plain.removeAllListeners('data')
    const secure = connectTls({ socket: plain, rejectUnauthorized: false, ...given })
    await once(secure, 'secureConnect')
    socket = secure
    listen(secure)
  }
  async function read(): Promise<string> {
    for (;;) {
      const end = /^\d{3}(?: [^\n]*)?\r\n/m.exec(text)
      if (end) {
        const reply = text.slice(0, end.index + end[0].length)
        text = text.slice(reply.length)
        return reply.trimEnd()
      }
      if (isClosed) throw new Error(`the server closed; left: ${text}`)
      await more()
    }
  }

  await once(plain, 'connect')
  if (options.tls) await upgrade(options.tls)
  else listen(plain)
  const write = (bytes: string | Buffer) => void socket.write(bytes)
  return {
    read,
    write,
    ask(line) {
      write(`${line}\r\n`)
      return read()
    },
    upgrade,
    async rest() {
      while (!isClosed) await more()
      return text
    },
    isClosed: () => isClosed,
    close: () => void socket.end(),
    destroy: () => void socket.destroy(),
    socket: () => socket,
  }
}
