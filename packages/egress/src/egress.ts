import type { Socket } from 'node:net'
import type { Agent } from 'undici'
import { createAgent } from './agent.ts'
import { openSocket, withDeadline } from './connect.ts'
import { Guard, type Policy, type Target, type Verdict } from './guard.ts'
import { NetworkFailure } from './network-failure.ts'
import { type HttpLimits, type HttpRequest, type HttpResponse, sendRequest } from './request.ts'
import type { Resolve } from './resolve.ts'

const connectTimeoutMs = 10_000
/** A person waits, and nothing depends on it: a name without an answer by then is resolved again at every connect. */
const checkTimeoutMs = 3_000

export type EgressOptions = {
  /** CIDRs, addresses or hosts, each with an optional `:port`, that the operator permits besides the public internet. */
  allow: string[]
  /** Whether public mail servers may be reached on port 25. */
  mailPort?: boolean | undefined
  /** All addresses of a name: for tests. */
  resolve?: Resolve
  policy?: Policy
  /** Certificates to trust besides the built-in ones: for tests. */
  ca?: string
}
export type ConnectTarget = Target & { signal?: AbortSignal | undefined; timeoutMs?: number }

/** `unresolved`: the DNS had no address, or none in time, which says nothing of what is permitted. */
export type ResolvedVerdict = Verdict | { ok: false; part: 'unresolved'; reason: string }

export type Egress = {
  /** A connected TCP socket to a checked, pinned address. Throws `NetworkFailure`. */
  connect(target: ConnectTarget): Promise<Socket>
  /** Checks a target without DNS. */
  checkTarget(target: Target): Verdict
  /** Checks a target with DNS, as `connect` would decide now; used when it is saved. Takes 3 s at most by default. */
  checkResolvedTarget(target: ConnectTarget): Promise<ResolvedVerdict>
  /** One HTTP exchange: no redirects, capped answer, total deadline. Throws `NetworkFailure`. */
  request(request: HttpRequest, limits?: HttpLimits): Promise<HttpResponse>
  /** The pool of HTTP connections, for callers that need more of undici than `request`. */
  dispatcher(): Agent
  close(): Promise<void>
}

/** The egress of this process: every outbound socket passes the guard made here. */
export function createEgress(options: EgressOptions): Egress {
  const guard = new Guard(options)
  const agent = createAgent(guard, { connectTimeoutMs, ca: options.ca })

  return {
    connect: ({ signal, timeoutMs, ...target }) =>
      openSocket(guard, target, { timeoutMs: timeoutMs ?? connectTimeoutMs, signal }),
    checkTarget: (target) => guard.check(target),
    checkResolvedTarget: async ({ signal, timeoutMs = checkTimeoutMs, ...target }) => {
      try {
        const found = await withDeadline({ timeoutMs, signal }, () => guard.lookUp(target))
        return found.ok ? { ok: true } : found
      } catch (error) {
        if (!(error instanceof NetworkFailure)) throw error
        return { ok: false, part: 'unresolved', reason: error.reason }
      }
    },
    request: (request, limits) => sendRequest(agent, request, limits ?? {}),
    dispatcher: () => agent,
    close: () => agent.close(),
  }
}
