import type { KeyObject } from 'node:crypto'
import { createInboundAcceptor, createRecipientFinder } from '@lettergate/core/inbound'
import type { Failpoint } from '@lettergate/core/lib'
import type { Listener as DatabaseListener } from '@lettergate/db/listener'
import type { Pool } from '@lettergate/db/pool'
import { createCaps } from '../session/caps.ts'
import { Listener } from '../session/listener.ts'
import type { Memory } from '../session/memory.ts'
import { defaultLimits, type SessionCounts } from '../session/session-options.ts'
import { createGuesses } from './guesses.ts'
import { createInboundHandlers, type InboundHandlerDeps } from './handlers.ts'

export const INBOUND_BYTES_MAX = 25 * 1024 * 1024
const RECIPIENTS_MAX = 100
const SESSIONS = { all: 1_000, ofOneNetwork: 50 }
/** Unknown recipients that a network may name within ten minutes. */
const GUESSES_MAX = 200

export type InboundOptions = {
  pool: Pool
  listener: Pick<DatabaseListener, 'on'>
  hostName: string
  inboundDomain: string
  /** Of addresses of ours, the present one first. */
  keys: readonly KeyObject[]
  host: string
  port: number
  /** PEM; absent: without STARTTLS. */
  certificate?: { key: string; cert: string } | undefined
  memory: Memory
  failpoint: Failpoint
  onReceived: InboundHandlerDeps['onReceived']
  counts?: SessionCounts
  onError: (error: unknown) => void
}

export type OpenInbound = {
  port: number
  listener: Listener<never>
  /** Lets sessions end their mail, and resolves when all that was taken is committed. */
  stop(graceMs: number): Promise<void>
}

/** Opens the port that takes mail for routes, and for addresses of ours. Nobody logs in. */
export async function openInbound(options: InboundOptions): Promise<OpenInbound> {
  const { pool, inboundDomain, keys, certificate, failpoint, onError } = options
  const recipients = createRecipientFinder({ pool, inboundDomain, keys })
  const forget = await options.listener.on('lg_inbound_route', () => recipients.forget())
  const acceptor = createInboundAcceptor({ pool, failpoint, onError })
  const guesses = createGuesses(GUESSES_MAX)
  const listener = new Listener<never>({
    hostName: options.hostName,
    tls: certificate ? 'starttls' : 'none',
    certificate,
    mechanisms: { plain: [], secure: [] },
    limits: { ...defaultLimits, bytesMax: INBOUND_BYTES_MAX, recipientsMax: RECIPIENTS_MAX },
    connections: createCaps(SESSIONS.all, SESSIONS.ofOneNetwork),
    memory: options.memory,
    // They are written as CR LF before the mail is stored.
    refusesBareBreaks: false,
    handlers: createInboundHandlers({ recipients, acceptor, guesses, onReceived: options.onReceived }),
    ...(options.counts && { counts: options.counts }),
    onError,
  })
  const server = await listener.open(options.port, options.host)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    listener,
    async stop(graceMs) {
      await listener.drain(graceMs)
      forget()
      await acceptor.drain()
      acceptor.close()
    },
  }
}
