import type { DsnRequest } from '@lettergate/contracts/messages/send-request'
import type { SMTPServerAuthentication } from 'smtp-server'
import type { Caps } from './caps.ts'
import type { Memory } from './memory.ts'
import type { ReadData } from './read-data.ts'
import type { Reply } from './reply.ts'

/** What a session knows when a command is judged. */
export type SessionView<User> = {
  id: string
  remoteAddress: string
  /** The name that the client gave itself. */
  helo: string
  isSecure: boolean
  user: User | null
  envelope: { from: string; recipients: string[]; dsn: DsnRequest | undefined }
}

export type Mechanism = 'PLAIN' | 'LOGIN' | 'CRAM-MD5'

export type SessionHandlers<User> = {
  /** Absent: the listener knows no AUTH, and takes mail from everybody whom `mayConnect` lets in. */
  authenticate?: (
    attempt: SMTPServerAuthentication,
    view: SessionView<User>,
  ) => Promise<{ user: User } | Reply>
  /** A reply refuses the connection. */
  mayConnect?: (remoteAddress: string) => Reply | null
  /** A reply refuses the sender. */
  sender(address: string, view: SessionView<User>): Promise<Reply | null>
  /** A reply refuses this recipient alone. */
  recipient(address: string, view: SessionView<User>): Promise<Reply | null>
  /** Its answer goes to the client. It answers 250 after the commit. */
  message(data: Extract<ReadData, { kind: 'mail' }>, view: SessionView<User>): Promise<Reply>
  /** Whose share of the memory a mail takes; absent: that of its network. */
  holder?: (view: SessionView<User>) => string | undefined
  /** The session is over. */
  left?: (user: User) => void
}

export type SessionLimits = {
  /** Of a mail. */
  bytesMax: number
  recipientsMax: number
  /** Silence after which a session ends. */
  idleMs: number
  /** Without AUTH, and of any session, however busy. */
  loginMs: number
  sessionMs: number
  /** Of one mail; and after some seconds at least this number of bytes a second. */
  dataMs: number
  slowAfterMs: number
  bytesPerSecondMin: number
}

export const defaultLimits: Omit<SessionLimits, 'bytesMax' | 'recipientsMax'> = {
  idleMs: 300_000,
  loginMs: 120_000,
  sessionMs: 4 * 3_600_000,
  dataMs: 600_000,
  slowAfterMs: 30_000,
  bytesPerSecondMin: 1_024,
}

/** Counted for metrics. */
export type SessionCounts = {
  onReply(code: number): void
  onConnection(result: 'accepted' | 'refused'): void
  /** From the end of a mail to its reply. */
  onStored(ms: number): void
}

export type ListenerOptions<User> = {
  /** The name by which the server greets. */
  hostName: string
  tls: 'none' | 'starttls' | 'implicit'
  /** PEM; absent where there is no TLS. */
  certificate?: { key: string; cert: string } | undefined
  /** Mechanisms by the state of the connection; empty: no AUTH. */
  mechanisms: { plain: readonly Mechanism[]; secure: readonly Mechanism[] }
  limits: SessionLimits
  /** Shared by all listeners of the process. */
  connections: Caps
  memory: Memory
  /** Addresses of proxies that begin with a line of the PROXY protocol. */
  isProxy?: (address: string) => boolean
  /** Bare CR and LF in a mail are refused; otherwise the handler sees that there are some. */
  refusesBareBreaks: boolean
  handlers: SessionHandlers<User>
  counts?: SessionCounts
  onError: (error: unknown) => void
}
