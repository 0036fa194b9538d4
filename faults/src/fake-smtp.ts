import { createServer, type Server, type Socket } from 'node:net'
import { crc32 } from 'node:zlib'
import { createSmtpScript, type SmtpFault, type SmtpScript, type SmtpStage } from './fake-smtp-fault.ts'
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
  ehlo: '250-fake\r\n250-8BITMIME\r\n250 SIZE 50000000',
  mail: '250 2.1.0 ok',
  rcpt: '250 2.1.5 ok',
  data: '354 go on',
  dot: '250 2.0.0 queued as fake',
}
const STAGES: Record<string, SmtpStage> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
}

/** An SMTP server without encryption that keeps the same ledger as the HTTP provider, and misbehaves as told. */
export function createFakeSmtp(options: FakeSmtpOptions = {}): FakeSmtp {
  const ledger = createProviderLedger(options.ledgerFile)
  let latencyMs = options.latencyMs ?? 0
  let pick = createSmtpScript([])

  /** Answers whether the session goes on. */
  function step(socket: Socket, stage: SmtpStage, take: () => void): boolean {
    const fault = pick(stage)
    if (!fault) {
      take()
      later(socket, USUAL[stage], stage === 'dot' ? latencyMs : 0)
      return true
    }
    ledger.appendFault({ at: Date.now(), messageId: undefined, fault: `${fault.kind} at ${stage}` })
    if (fault.taken) take()
    return misbehave(socket, fault, () => {
      if (!fault.taken) take()
    })
  }

  function serve(socket: Socket): void {
    let text = ''
    let inData = false
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    step(socket, 'greeting', () => undefined)
    socket.on('data', (piece) => {
      // The end may stand astride two pieces.
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
    step(socket, 'dot', () => {
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
    const goesOn = step(socket, stage, () => undefined)
    return goesOn && stage === 'data'
  }

  const server = createServer(serve)
  server.on('close', () => ledger.close())
  return {
    server,
    ledger,
    script(given) {
      latencyMs = given.latencyMs ?? latencyMs
      pick = createSmtpScript(given.rules)
    },
  }
}

function later(socket: Socket, reply: string, delayMs: number): void {
  if (delayMs === 0) socket.write(`${reply}\r\n`)
  else setTimeout(() => socket.writable && socket.write(`${reply}\r\n`), delayMs)
}

/** Answers whether the session goes on as though nothing had happened. */
function misbehave(socket: Socket, fault: SmtpFault, take: () => void): boolean {
  switch (fault.kind) {
    case 'reply':
      socket.write(`${fault.reply}\r\n`)
      return false
    case 'delay':
      take()
      later(socket, USUAL[fault.stage], fault.delayMs)
      return true
    case 'no-answer':
      return false
    case 'reset':
      socket.resetAndDestroy()
      return false
    case 'close':
      socket.end()
      return false
    case 'garbage':
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
      return false
    case 'drip': {
      take()
      const reply = `${USUAL[fault.stage]}\r\n`
      let at = 0
      const timer = setInterval(() => {
        if (at < reply.length && socket.writable) socket.write(reply.charAt(at++))
        else clearInterval(timer)
      }, fault.everyMs)
      return true
    }
  }
}
