import { isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Agent } from 'undici'
import { openSocket, withDeadline } from './connect.ts'
import type { Guard } from './guard.ts'
import { notConnected } from './network-failure.ts'

type Target = { hostname: string; port: string; protocol: string; servername?: string | undefined }

/** The pool of HTTP connections: each begins at the guard, none follows a redirect. */
export function createAgent(
  guard: Guard,
  options: { connectTimeoutMs: number; ca: string | undefined },
): Agent {
  return new Agent({
    // As many as there are calls: callers already share their slots fairly, and a second queue here would not. Tenants
    // share the host of a provider, so with 128 one whose calls hung there kept the mails of all others waiting for 24 s.
    connections: null,
    pipelining: 1,
    allowH2: false,
    // One total deadline for each exchange is kept by the caller: undici's own never fire while bytes drip in.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (target, done) => {
      openConnection(guard, target, options).then(
        (socket) => done(null, socket),
        (error) => done(error, null),
      )
    },
  })
}

async function openConnection(
  guard: Guard,
  { hostname, port, protocol }: Target,
  { connectTimeoutMs, ca }: { connectTimeoutMs: number; ca: string | undefined },
): Promise<Socket> {
  const secure = protocol === 'https:'
  const host = hostname.replace(/^\[|\]$/g, '')
  const target = {
    host,
    port: Number(port) || (secure ? 443 : 80),
    scheme: secure ? ('https' as const) : ('http' as const),
  }
  const socket = await openSocket(guard, target, { timeoutMs: connectTimeoutMs })
  return secure ? secureSocket(socket, host, { timeoutMs: connectTimeoutMs, ca }) : socket
}

function secureSocket(
  socket: Socket,
  host: string,
  { timeoutMs, ca }: { timeoutMs: number; ca: string | undefined },
): Promise<Socket> {
  return withDeadline({ timeoutMs }, (onGiveUp) => {
    const secured = connectTls({
      socket,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['http/1.1'],
      ...(ca !== undefined && { ca }),
    })
    onGiveUp(() => secured.destroy())
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        secured.destroy()
        reject(notConnected(`TLS failed: ${tlsReason(error)}`, error))
      }
      secured.once('error', fail)
      secured.once('secureConnect', () => {
        secured.off('error', fail)
        resolve(secured)
      })
    })
  })
}

function tlsReason(error: Error): string {
  return 'code' in error ? String(error.code) : error.message
}
