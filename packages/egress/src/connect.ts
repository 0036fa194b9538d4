import { connect, isIPv6, type Socket } from 'node:net'
import type { Guard, Target } from './guard.ts'
import { NetworkFailure, notConnected } from './network-failure.ts'

export type ConnectLimits = { timeoutMs: number; signal?: AbortSignal | undefined }

/** Resolves, checks every answer, and connects to one of exactly those addresses. */
export function openSocket(guard: Guard, target: Target, limits: ConnectLimits): Promise<Socket> {
  return withDeadline(limits, async (onGiveUp) => {
    const addresses = await guard.resolve(target)
    return connectPinned(addresses, target, onGiveUp)
  })
}

function connectPinned(
  addresses: string[],
  target: Target,
  onGiveUp: (undo: () => void) => void,
): Promise<Socket> {
  const answers = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  const socket = connect({
    // For a literal address Node asks no look-up at all, so a single checked one is given as such.
    host: addresses.length === 1 ? (addresses[0] ?? '') : target.host,
    port: target.port,
    noDelay: true,
    autoSelectFamily: true,
    lookup: (_host, _options, done) => done(null, answers),
  })
  onGiveUp(() => socket.destroy())
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(notConnected(connectReason(error), error))
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

/** Runs some work against a deadline and a signal; what it began is undone when either ends it. */
export function withDeadline<T>(
  limits: ConnectLimits,
  work: (onGiveUp: (undo: () => void) => void) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = false
    const undos: (() => void)[] = []
    const end = () => {
      over = true
      clearTimeout(timer)
      limits.signal?.removeEventListener('abort', abort)
    }
    const giveUp = (failure: NetworkFailure) => {
      end()
      for (const undo of undos) undo()
      reject(failure)
    }
    const abort = () => giveUp(notConnected('given up before a connection was made'))
    const timer = setTimeout(() => giveUp(notConnected('connection timed out')), limits.timeoutMs)
    if (limits.signal?.aborted) return abort()
    limits.signal?.addEventListener('abort', abort, { once: true })
    work((undo) => (over ? undo() : undos.push(undo))).then(
      (value) => {
        if (over) return
        end()
        resolve(value)
      },
      (error) => {
        if (over) return
        end()
        reject(error instanceof NetworkFailure ? error : notConnected(connectReason(error), error))
      },
    )
  })
}

/** The words for a failure to connect: no address in them, since they are shown to the tenant. */
export function connectReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ETIMEDOUT') return 'connection timed out'
  return code ? `connection failed (${code})` : 'connection failed'
}
