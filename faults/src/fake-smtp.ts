import { createServer, type Server, type Socket } from 'node:net'
import { crc32 } from 'node:zlib'
import { createSmtpScript, type SmtpScript, type SmtpStage } from './fake-smtp-fault.ts'
import { misbehave, reply } from './fake-smtp-misbehave.ts'
import { createProviderLedger, type ProviderLedger } from './provider-ledger.ts'

export type FakeSmtpOptions = {
  /** Time from the final dot to its answer; the mail is taken at the dot. */
  latencyMs?: number
  ledgerFile?: string
}

export type FakeSmtp = { server: Server; ledger: ProviderLedger; script(script: SmtpScript): void }

const END = '\r\n.\r\n'
const ID = /^X-LG-Id:[ \t]*(\S+)/im
const USUAL: Record<SmtpStage, string> = {
  greeting: '220 fake ESMTP',
  ehlo: '250-fake\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SIZE 50000000',
  auth: '235 2.7.0 ok',
  mail: '250 2.1.0 ok',
  rcpt: '250 2.1.5 ok',
  data: '354 go on',
  dot: '250 2.0.0 queued as fake',
}
const TOO_MANY = '421 4.7.0 fake: too many connections from your host'
const STAGES: Record<string, SmtpStage> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  AUTH: 'auth',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
}

/** An SMTP server without encryption that keeps the same ledger as the HTTP provider, and misbehaves on request. */
export function createFakeSmtp(options: FakeSmtpOptions = {}): FakeSmtp {
  const ledger = createProviderLedger(options.ledgerFile)
  let latencyMs = options.latencyMs ?? 0
  let sessionsMax = Number.POSITIVE_INFINITY
  const sessions = new Set<Socket>()
  let pick = createSmtpScript([])

  /** Returns whether the session continues. */
  function step(socket: Socket, stage: SmtpStage, said: string, take: () => void): boolean {
    const fault = pick(stage, said)
    if (!fault) {
      take()
      reply(socket, USUAL[stage], stage === 'dot' ? latencyMs : 0)
      return true
    }
    ledger.appendFault({ at: Date.now(), messageId: undefined, fault: `${fault.kind} at ${stage}` })
    if (fault.taken) take()
    return misbehave(socket, fault, USUAL[stage], () => {
      if (!fault.taken) take()
    })
  }

  function serve(socket: Socket): void {
    let text = ''
    let inData = false
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    sessions.add(socket)
    socket.once('close', () => sessions.delete(socket))
    if (sessions.size > sessionsMax) {
      ledger.appendFault({ at: Date.now(), messageId: undefined, fault: 'too many sessions' })
      socket.resume().end(`${TOO_MANY}\r\n`)
      return
    }
    step(socket, 'greeting', '', () => undefined)
    socket.on('data', (piece) => {
      // The end may be split between two pieces.
      text += piece.toString('latin1')
      for (;;) {
        const end = text.indexOf(inData ? END : '\r\n')
        if (end === -1) return
        const line = text.slice(0, end)
        text = text.slice(end + (inData ? END.length : 2))
        inData = inData ? endData(socket, line) : command(socket, line)
      }
    })
  }

  function endData(socket: Socket, mail: string): false {
    step(socket, 'dot', mail, () => {
      const id = ID.exec(mail.slice(0, mail.indexOf('\r\n\r\n')))?.[1]
      const messageId = id === undefined ? undefined : Buffer.from(id).toString()
      ledger.append({ at: Date.now(), messageId, bodyHash: crc32(mail).toString(36) })
    })
    return false
  }

  /** Answers whether what follows is a mail. */
  function command(socket: Socket, line: string): boolean {
    const verb = line.slice(0, 4).toUpperCase()
    if (verb === 'QUIT') socket.end('221 bye\r\n')
    const stage = STAGES[verb]
    if (!stage) {
      if (verb === 'RSET' || verb === 'NOOP') socket.write('250 ok\r\n')
      return false
    }
    const goesOn = step(socket, stage, line, () => undefined)
    return goesOn && stage === 'data'
  }

  const server = createServer(serve)
  server.on('close', () => ledger.close())
  return {
    server,
    ledger,
    script(given) {
      latencyMs = given.latencyMs ?? latencyMs
      sessionsMax = given.sessionsMax ?? Number.POSITIVE_INFINITY
      pick = createSmtpScript(given.rules)
      if (given.anew) for (const socket of sessions) socket.end()
    },
  }
}
