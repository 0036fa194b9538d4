import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/** One session of a client of SMTP. A reply that does not come in time, or a closed connection, is an error. */
export type SmtpSession = {
  /** Sends lines, and answers the last line of the next reply. */
  ask(lines: string | Buffer): Promise<string>
  /** Sends bytes as they are, and waits for nothing. */
  write(bytes: string | Buffer): Promise<void>
  close(): void
}

const REPLY_MS_MAX = 20_000
const LAST_LINE = /^\d{3} /

/** Connects, and says EHLO. */
export async function openSmtpSession(port: number): Promise<SmtpSession> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  const replies: string[] = []
  let wake = () => {}
  let isClosed = false
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    wake()
  })
  const lines = createInterface({ input: socket })
  // It passes on the errors of its socket.
  lines.on('error', () => undefined)
  lines.on('line', (line) => {
    if (LAST_LINE.test(line)) replies.push(line)
    wake()
  })
  async function read(): Promise<string> {
    const timer = setTimeout(() => socket.destroy(), REPLY_MS_MAX)
    try {
      for (;;) {
        const reply = replies.shift()
        if (reply !== undefined) return reply
        if (isClosed) throw new Error('the session is over')
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }
  const session: SmtpSession = {
    ask(lines) {
      socket.write(lines)
      socket.write('\r\n')
      return read()
    },
    async write(bytes) {
      if (!isClosed && !socket.write(bytes))
        await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    },
    close: () => socket.destroy(),
  }
  await read()
  await session.ask('EHLO client.example')
  return session
}

/** PLAIN without TLS, which the settings of a test allow. */
export async function logIn(session: SmtpSession, apiKey: string): Promise<void> {
  const reply = await session.ask(`AUTH PLAIN ${Buffer.from(`\0apikey\0${apiKey}`).toString('base64')}`)
  if (!reply.startsWith('235')) throw new Error(reply)
}
