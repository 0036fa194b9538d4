import { randomUUID } from 'node:crypto'
import type { Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  SMTPServer,
  type SMTPServerAddress,
  type SMTPServerAuthentication,
  type SMTPServerAuthenticationResponse,
  type SMTPServerDataStream,
  type SMTPServerSession,
} from 'smtp-server'
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js'
import { readProxyHeader } from './proxy-header.ts'
import { readData } from './read-data.ts'
import { Refusal, type Reply, reply, toText } from './reply.ts'
import { Session } from './session.ts'
import type { ListenerOptions, SessionView } from './session-options.ts'

type Done<T = undefined> = (error: Error | null | undefined, result?: T) => void

const failed = reply(451, '4.3.0', 'The server failed. Repeat the mail later')
const tooLarge = (bytesMax: number) => reply(552, '5.3.4', `The mail is larger than ${bytesMax} bytes`)
/** How often sessions are asked whether they take too long. */
const LOOK_MS = 1_000
const disabledCommands = ['WIZ', 'SHELL', 'KILL', 'HELP', 'XCLIENT', 'XFORWARD']

/** A port that speaks SMTP, with sessions of ours. */
export class Listener<User> extends SMTPServer {
  readonly #own: ListenerOptions<User>
  readonly #sessions = new WeakMap<SMTPServerSession, Session<User>>()
  readonly #looks: NodeJS.Timeout

  constructor(options: ListenerOptions<User>) {
    const { tls, certificate, limits, handlers } = options
    super({
      name: options.hostName,
      logger: false,
      secure: tls === 'implicit',
      ...certificate,
      minVersion: 'TLSv1.2',
      size: limits.bytesMax,
      maxRecipients: limits.recipientsMax,
      socketTimeout: limits.idleMs,
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: false,
      hideDSN: false,
      heloResponse: '%s',
      // The session decides, by the state of TLS.
      allowInsecureAuth: true,
      authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5'],
      authRequiredMessage: 'Log in first',
      disabledCommands: [
        ...disabledCommands,
        ...(tls === 'starttls' ? [] : ['STARTTLS']),
        ...(handlers.authenticate ? [] : ['AUTH']),
      ],
    })
    this.#own = options
    // A client that breaks off is no failure of ours, and an unheard 'error' would end the process.
    this.on('error', (error) => {
      if (!('remoteAddress' in error) && !('responseCode' in error) && !('meta' in error))
        options.onError(error)
    })
    this.#looks = setInterval(() => this.#look(), LOOK_MS)
    this.#looks.unref()
  }

  /** Resolves once it listens. */
  open(port: number, host: string): Promise<Server> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      const server = this.listen(port, host, () => {
        this.server.off('error', reject)
        resolve(server)
      })
    })
  }

  /** New sessions use this certificate. */
  useCertificate(certificate: { key: string; cert: string }): void {
    this.updateSecureContext(certificate)
  }

  /** Takes no new session, lets each end the mail that it has begun, and resolves within the grace. */
  async drain(graceMs: number): Promise<void> {
    clearInterval(this.#looks)
    this.server.close()
    for (const socket of this._pendingSockets.values()) socket.destroy()
    const end = performance.now() + graceMs
    for (const session of this.#all()) session.drain()
    while (this.connections.size > 0 && performance.now() < end) await sleep(20)
    for (const session of this.#all()) session.cutOff()
  }

  #all(): Session<User>[] {
    return [...this.connections].filter((one): one is Session<User> => one instanceof Session)
  }

  #look(): void {
    const now = performance.now()
    for (const session of this.#all()) session.checkDeadlines(now)
  }

  override connect(socket: Socket, socketOptions?: SMTPConnectionOptions | null): void {
    const session = new Session<User>(this, socket, { socket: socketOptions, options: this.#own })
    this.#sessions.set(session.session, session)
    this.connections.add(session)
    session.on('error', (error: Error) => this._onError(error))
    session.init()
  }

  override _expectsProxyHeader(socket: Socket): boolean {
    return this.#own.isProxy?.(socket.remoteAddress ?? '') ?? false
  }

  /** Version 2 of the protocol; the library reads version 1. */
  override _handleProxy(socket: Socket, done: Parameters<SMTPServer['_handleProxy']>[1]): void {
    if (!this._expectsProxyHeader(socket)) {
      super._handleProxy(socket, done)
      return
    }
    readProxyHeader(socket, (client) => {
      if (client === 'other') super._handleProxy(socket, done)
      else if (client instanceof Error) {
        socket.once('error', () => {})
        socket.destroy()
        done(client)
      } else done(null, { id: randomUUID(), ...client })
    })
  }

  #sessionOf(session: SMTPServerSession): Session<User> {
    const own = this.#sessions.get(session)
    if (!own) throw new Error('a session that is not ours')
    return own
  }

  /** Runs a handler; what it throws is our failure, and the client repeats later. */
  #judge(
    session: SMTPServerSession,
    run: (view: SessionView<User>, own: Session<User>) => Promise<Reply | null>,
    done: (refusal: Reply | null) => void,
  ): void {
    const own = this.#sessionOf(session)
    run(own.view(), own).then(done, (error: unknown) => {
      this.#own.onError(error)
      done(failed)
    })
  }

  override onMailFrom({ address }: SMTPServerAddress, session: SMTPServerSession, done: Done): void {
    this.#judge(
      session,
      (view) => this.#own.handlers.sender(address, view),
      (refusal) => done(refusal && new Refusal(refusal)),
    )
  }

  override onRcptTo({ address }: SMTPServerAddress, session: SMTPServerSession, done: Done): void {
    this.#judge(
      session,
      (view) => this.#own.handlers.recipient(address, view),
      (refusal) => done(refusal && new Refusal(refusal)),
    )
  }

  override onAuth(
    attempt: SMTPServerAuthentication,
    session: SMTPServerSession,
    done: Done<SMTPServerAuthenticationResponse>,
  ): void {
    const { authenticate } = this.#own.handlers
    const own = this.#sessionOf(session)
    if (!authenticate) throw new Error('AUTH on a listener without it')
    authenticate(attempt, own.view()).then(
      (result) => {
        if ('user' in result) {
          own.signIn(result.user)
          done(null, { user: own.id })
        } else done(new Refusal(result))
      },
      (error: unknown) => {
        this.#own.onError(error)
        done(new Refusal(reply(454, '4.7.0', 'The login could not be checked. Try again later')))
      },
    )
  }

  override onData(stream: SMTPServerDataStream, session: SMTPServerSession, done: Done<string>): void {
    this.#judge(
      session,
      (view, own) => this.#receive(stream, view, own),
      (answer) => {
        const given = answer ?? failed
        if (given.code === 250) done(null, toText(given))
        else done(new Refusal(given))
      },
    )
  }

  async #receive(stream: SMTPServerDataStream, view: SessionView<User>, own: Session<User>): Promise<Reply> {
    const { limits, memory, handlers, refusesBareBreaks, counts } = this.#own
    const data = await readData(stream, { bytesMax: limits.bytesMax, memory, holder: own.holder() })
    switch (data.kind) {
      case 'gone':
        own.say({ ...tooLarge(limits.bytesMax), isLast: true })
        return failed
      case 'too-large':
        return tooLarge(limits.bytesMax)
      case 'no-memory':
        return reply(452, '4.3.1', 'Too many mails arrive at this moment. Repeat this one in a minute')
    }
    try {
      if (refusesBareBreaks && data.hasBareBreak)
        return reply(
          550,
          '5.6.11',
          'The mail has a line that does not end in CR LF. Write CR LF at the end of every line',
        )
      const endedAt = performance.now()
      const answer = await handlers.message(data, view)
      counts?.onStored(performance.now() - endedAt)
      if (answer.code === 250) own.noteAccepted()
      return answer
    } finally {
      data.release()
    }
  }
}
