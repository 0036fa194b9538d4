import type { Socket } from 'node:net'
import type { Agent } from 'undici'
import { createAgent } from './agent.ts'
import { openSocket, withDeadline } from './connect.ts'
import { Guard, type Policy, type Target, type Verdict } from './guard.ts'
import { NetworkFailure, notConnected } from './network-failure.ts'
import type { EgressPolicy } from './policy.ts'
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
  /** Where this gateway is reached itself. */
  ownUrl?: string | undefined
  /** All addresses of a name: for tests. */
  resolve?: Resolve
  policy?: Policy
  /** The policy of a tenant as it is now. Absent: the public internet, for every tenant. */
  policyOf?: (tenantId: string, atLeast?: number) => Promise<EgressPolicy>
  /** Certificates to trust besides the built-in ones: for tests. */
  ca?: string
}
export type ConnectTarget = Target & { signal?: AbortSignal | undefined; timeoutMs?: number }

/** `unresolved`: the DNS had no address, or none in time, which says nothing of what is permitted. */
export type ResolvedVerdict = Verdict | { ok: false; part: 'unresolved'; reason: string }

/** The egress of one tenant: every call passes the guard under the tenant's policy as it is then. */
export type TenantEgress = {
  /** A connected TCP socket to a checked, pinned address. Throws `NetworkFailure`. */
  connect(target: ConnectTarget): Promise<Socket>
  /** Checks a target without DNS. Rejects only if the policy cannot be read. */
  checkTarget(target: Target): Promise<Verdict>
  /** Checks a target with DNS, as `connect` would decide now. Rejects only if the policy cannot be read. */
  checkResolvedTarget(target: ConnectTarget): Promise<ResolvedVerdict>
  /** One HTTP exchange: no redirects, capped answer, total deadline. Throws `NetworkFailure`. */
  request(request: HttpRequest, limits?: HttpLimits): Promise<HttpResponse>
}

/** The methods beside `forTenant` are for the gateway's own calls, which no policy of a tenant bounds. */
export type Egress = {
  /** `atLeast`: the version of the tenant's settings that the caller has seen; an older policy is read again. */
  forTenant(tenantId: string, atLeast?: number): TenantEgress
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

/** Policies whose connections are kept open; the one that was not used for longest makes room. */
const POLICIES_MAX = 100

type Way = { guard: Guard; agent: Agent }

async function checkResolved(
  guard: Guard,
  { signal, timeoutMs = checkTimeoutMs, ...target }: ConnectTarget,
): Promise<ResolvedVerdict> {
  try {
    const found = await withDeadline({ timeoutMs, signal }, () => guard.lookUp(target))
    return found.ok ? { ok: true, rule: found.rule } : found
  } catch (error) {
    if (!(error instanceof NetworkFailure)) throw error
    return { ok: false, part: 'unresolved', reason: error.reason }
  }
}

const connectBy = ({ guard }: Way, { signal, timeoutMs, ...target }: ConnectTarget) =>
  openSocket(guard, target, { timeoutMs: timeoutMs ?? connectTimeoutMs, signal })

/**
 * Connections for each policy: a socket that was opened under another policy is never used again under this one, so a policy that changed
 * holds for the next call.
 */
function createWays(makeWay: (policy: EgressPolicy) => Way) {
  const ways = new Map<string, Way>()
  const closing = new Set<Promise<void>>()
  return {
    of(policy: EgressPolicy): Way {
      const way = ways.get(policy.key) ?? makeWay(policy)
      ways.delete(policy.key)
      ways.set(policy.key, way)
      const [oldest] = ways
      if (ways.size > POLICIES_MAX && oldest) {
        ways.delete(oldest[0])
        // Calls under way end first.
        const closed = oldest[1].agent.close().finally(() => closing.delete(closed))
        closing.add(closed)
      }
      return way
    },
    async close() {
      await Promise.all([...Array.from(ways.values(), ({ agent }) => agent.close()), ...closing])
    },
  }
}

/** The egress of this process: every outbound socket passes the guard made here. */
export function createEgress(options: EgressOptions): Egress {
  const toWay = (guard: Guard): Way => ({
    guard,
    agent: createAgent(guard, { connectTimeoutMs, ca: options.ca }),
  })
  const own = toWay(new Guard(options))
  const ways = createWays((policy) => toWay(own.guard.under(policy)))
  const { policyOf } = options
  const wayOf = async (tenantId: string, atLeast?: number) =>
    policyOf ? ways.of(await policyOf(tenantId, atLeast)) : own

  /** For calls: what cannot be judged is not called, and nothing was sent. */
  const wayToCall = (tenantId: string, atLeast?: number) =>
    wayOf(tenantId, atLeast).catch((error: unknown) => {
      throw notConnected('the egress policy of the tenant could not be read', error)
    })

  return {
    forTenant: (tenantId, atLeast) => ({
      connect: async (target) => connectBy(await wayToCall(tenantId, atLeast), target),
      checkTarget: async (target) => (await wayOf(tenantId, atLeast)).guard.check(target),
      checkResolvedTarget: async (target) => checkResolved((await wayOf(tenantId, atLeast)).guard, target),
      request: async (request, limits) =>
        sendRequest((await wayToCall(tenantId, atLeast)).agent, request, limits ?? {}),
    }),
    connect: (target) => connectBy(own, target),
    checkTarget: (target) => own.guard.check(target),
    checkResolvedTarget: (target) => checkResolved(own.guard, target),
    request: (request, limits) => sendRequest(own.agent, request, limits ?? {}),
    dispatcher: () => own.agent,
    async close() {
      await Promise.all([ways.close(), own.agent.close()])
    },
  }
}
