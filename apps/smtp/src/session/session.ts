import type { Socket } from 'node:net'
import type { SMTPServer } from 'smtp-server'
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js'
import type { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { holderOf } from './caps.ts'
import { dsnRequest } from './dsn-request.ts'
import { readPath } from './path.ts'
import { linesOf, type Reply, reply, toLines } from './reply.ts'
import type { ListenerOptions, Mechanism, SessionView } from './session-options.ts'
import { BadLine, StrictStream } from './strict-stream.ts'

const lineBytesMax = 2_048
/** RFC 4954 §4. */
const authLineBytesMax = 12_288
/** AUTH commands of one session without success. */
const triesMax = 3
/** Commands that send no mail, and refusals, since the last mail. */
const idleCommandsMax = 20
const refusalsMax = 100

const idleCommands = new Set(['NOOP', 'VRFY', 'RSET', 'EHLO', 'HELO', 'EXPN', 'HELP'])
const passwordMechanisms = new Set(['PLAIN', 'LOGIN'])
const mechanismNames = new Set<string>(['PLAIN', 'LOGIN', 'CRAM-MD5'] satisfies Mechanism[])

/** Codes for the library's own replies where its table would say something else about the recipient. */
const enhancedCodes: Record<number, string> = {
  421: '4.7.0',
  451: '4.3.0',
  452: '4.3.1',
  550: '5.7.1',
  552: '5.3.4',
  554: '5.5.0',
}

const closing = reply(421, '4.3.2', 'The server is stopping. Connect again and repeat the mail')

/** One client: the library's session with stricter lines and paths, AUTH by the state of TLS, our codes, bounds and an orderly end. */
export class Session<User> extends SMTPConnection {
  readonly startedAt = performance.now()
  readonly #options: ListenerOptions<User>
  #release: (() => void) | null = null
  #user: User | null = null
  #tries = 0
  #idleCommands = 0
  #refusals = 0
  #dataSince: number | null = null
  #isDraining = false

  constructor(
    server: SMTPServer,
    socket: Socket,
    given: { socket: SMTPConnectionOptions | null | undefined; options: ListenerOptions<User> },
  ) {
    super(server, socket, given.socket)
    this.#options = given.options
  }

  view(): SessionView<User> {
    const { envelope, id, remoteAddress } = this.session
    const { mailFrom, rcptTo } = envelope
    return {
      id,
      remoteAddress,
      helo: this.hostNameAppearsAs || '',
      isSecure: this.secure,
      user: this.session.user ? this.#user : null,
      envelope: {
        from: mailFrom ? mailFrom.address : '',
        recipients: rcptTo.map(({ address }) => address),
        dsn: dsnRequest(envelope),
      },
    }
  }

  /** Whose share of the memory its mails take. */
  holder(): string {
    return this.#options.handlers.holder?.(this.view()) ?? holderOf(this.remoteAddress)
  }

  /** Called by the listener once AUTH has succeeded. */
  signIn(user: User): void {
    this.#user = user
    this.#tries = 0
  }

  say(given: Reply): void {
    this.send(given.code, linesOf(given), false)
    if (given.isLast) this.close()
  }

  /** Ends a session that has nothing under way; the others end after their transaction. */
  drain(): void {
    this.#isDraining = true
    this.#leave()
  }

  /** Ends what takes too long. */
  checkDeadlines(now: number): void {
    const { limits } = this.#options
    const age = now - this.startedAt
    const parser = this._parser || null
    if (this.#dataSince !== null && parser?._dataMode) {
      const ms = now - this.#dataSince
      const isSlow = ms > limits.slowAfterMs && parser.dataBytes < (ms / 1000) * limits.bytesPerSecondMin
      if (isSlow || ms > limits.dataMs) this.#cut(reply(421, '4.4.2', 'The mail arrives too slowly'))
      return
    }
    if (this._handlerPending || this._dataStream) return
    const needsLogin = this.#options.handlers.authenticate !== undefined && !this.session.user
    if (needsLogin && age > limits.loginMs) this.#cut(reply(421, '4.4.2', 'No AUTH in time'))
    else if (age > limits.sessionMs && !this.session.envelope.mailFrom)
      this.#cut(reply(421, '4.4.2', 'The session has lasted long enough. Connect again'))
  }

  /** At the end of the grace: whatever was not stored gets no answer, and is repeated by its client. */
  cutOff(): void {
    this.#cut(closing)
    this._socket.destroy()
  }

  #cut(given: Reply): void {
    this.say({ ...given, isLast: true })
  }

  #leave(): void {
    if (this._closing || this._closed || !this._ready || this._upgrading) return
    if (this._handlerPending || this._dataStream || this.session.envelope.mailFrom) return
    this.#cut(closing)
  }

  override init(): void {
    this._setListeners(() => {
      const { connections, handlers, counts } = this.#options
      const refusal = handlers.mayConnect?.(this.remoteAddress) ?? null
      this.#release = refusal ? null : connections.take(holderOf(this.remoteAddress))
      counts?.onConnection(this.#release ? 'accepted' : 'refused')
      if (this.#release) {
        this.connectionReady()
        return
      }
      // The library looks into the session when it writes.
      this._resetSession()
      this.#cut(refusal ?? reply(421, '4.7.0', 'Too many connections. Try again later'))
    })
  }

  override _onClose(): void {
    const isFirst = !this._closed
    super._onClose()
    this.#release?.()
    this.#release = null
    const user = this.#user
    if (isFirst && user !== null) this.#options.handlers.left?.(user)
  }

  override _createParser(): SMTPStream {
    const parser = new StrictStream(() => {
      const isAuth = this._nextHandler !== false || this.#mayBeAuth()
      return isAuth ? authLineBytesMax : lineBytesMax
    })
    parser.oncommand = (command, callback) => this._onCommand(command, callback)
    parser.on('error', (error) => {
      const text = error instanceof BadLine ? error.message : 'The command could not be read'
      this.#cut(reply(421, '4.5.2', text))
    })
    return parser
  }

  /** Only a session that may still log in may send a long line. */
  #mayBeAuth(): boolean {
    return this.#options.handlers.authenticate !== undefined && !this.session?.user
  }

  override _onCommand(command: Buffer, callback?: () => void): void {
    const refusal = this._nextHandler || this._upgrading ? null : this.#commandRefusal(command)
    if (!refusal) super._onCommand(command, callback)
    else if (refusal.isLast) this.#cut(refusal)
    else {
      this.say(refusal)
      callback?.()
    }
  }

  #commandRefusal(command: Buffer): Reply | null {
    const verb = (command.toString('latin1', 0, 12).split(' ')[0] ?? '').toUpperCase()
    const hasMail = Boolean(this.session.envelope?.mailFrom)
    if (this.#isDraining && !hasMail && verb !== 'QUIT') return { ...closing, isLast: true }
    if (idleCommands.has(verb) && ++this.#idleCommands > idleCommandsMax)
      return { ...reply(421, '4.7.0', 'Too many commands without a mail'), isLast: true }
    return verb === 'STARTTLS' && hasMail ? reply(503, '5.5.1', 'A mail is under way') : null
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const lines = typeof data === 'string' ? toLines(data) : null
    super.send(code, lines ?? data, lines ? false : context)
    this.#options.counts?.onReply(code)
    if (code >= 500 && ++this.#refusals > refusalsMax && !this._closing)
      this.#cut(reply(421, '4.7.0', 'Too many errors'))
  }

  override _getEnhancedStatusCode(code: number, context?: string | false): string {
    if (context === undefined && enhancedCodes[code] !== undefined) return enhancedCodes[code]
    return super._getEnhancedStatusCode(code, context)
  }

  override _resetSession(): void {
    super._resetSession()
    this.#dataSince = null
    // After the reply that comes with it.
    if (this.#isDraining) setImmediate(() => this.#leave())
  }

  #mechanisms(): string[] {
    const { mechanisms } = this.#options
    return [...(this.secure ? mechanisms.secure : mechanisms.plain)]
  }

  /** The library has one list for all sessions, and reads it within this call. */
  #withMechanisms(run: () => void): void {
    const { options } = this._server
    const before = options.authMethods
    options.authMethods = this.#mechanisms()
    try {
      run()
    } finally {
      options.authMethods = before
    }
  }

  override handler_EHLO(command: Buffer, callback: () => void): void {
    this.#withMechanisms(() => super.handler_EHLO(command, callback))
  }

  override handler_AUTH(command: Buffer, callback: () => void): void {
    const [, name = ''] = command.toString('latin1', 0, 40).trim().split(/\s+/)
    const mechanism = name.toUpperCase()
    const refusal = this.#authRefusal(mechanism)
    if (refusal) {
      this.say(refusal)
      callback()
    } else this.#withMechanisms(() => super.handler_AUTH(command, callback))
  }

  #authRefusal(mechanism: string): Reply | null {
    if (this.session.envelope.mailFrom) return reply(503, '5.5.1', 'A mail is under way')
    if (!this.session.user && ++this.#tries > triesMax)
      return { ...reply(421, '4.7.0', 'Too many attempts to log in'), isLast: true }
    if (!mechanismNames.has(mechanism)) return reply(504, '5.5.4', 'This mechanism is not supported')
    if (this.#mechanisms().includes(mechanism)) return null
    return passwordMechanisms.has(mechanism) && !this.secure
      ? reply(538, '5.7.11', `${mechanism} shows the password: use STARTTLS first, or CRAM-MD5`)
      : reply(504, '5.5.4', 'This mechanism is not supported')
  }

  override handler_MAIL(command: Buffer, callback: () => void): void {
    const path = readPath('MAIL', command.toString())
    if ('code' in path) {
      this.say(path)
      callback()
    } else super.handler_MAIL(written('MAIL FROM', path), callback)
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    const path = readPath('RCPT', command.toString())
    if ('code' in path) {
      this.say(path)
      callback()
    } else super.handler_RCPT(written('RCPT TO', path), callback)
  }

  override handler_DATA(command: Buffer, callback: () => void): void {
    if (this.session.envelope.rcptTo.length > 0 && this.#options.memory.isTight(this.holder())) {
      this.say(reply(452, '4.3.1', 'Too many mails arrive at this moment. Repeat this one in a minute'))
      callback()
      return
    }
    this.#dataSince = performance.now()
    super.handler_DATA(command, callback)
  }

  override handler_VRFY(_command: Buffer, callback: () => void): void {
    this.say(reply(252, '2.5.0', 'Send a mail to find out'))
    callback()
  }

  /** Counts start again with each mail that was taken. */
  noteAccepted(): void {
    this.#idleCommands = 0
    this.#refusals = 0
  }
}

function written(verb: string, { address, parameters }: { address: string; parameters: string[] }): Buffer {
  return Buffer.from([`${verb}:<${address}>`, ...parameters].join(' '))
}
