import { isIP } from 'node:net'
import { Problem } from '@lettergate/contracts/problems/problems'
import {
  isReading,
  type KeyUses,
  type KeyVerifier,
  type Principal,
  type TenantPrincipal,
} from '@lettergate/core/keys'
import { fromStorage } from '@lettergate/core/lib'
import type { Actor, ActorScope } from '@lettergate/db/actor'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { RouteConfig } from './fastify-types.ts'
import { requestLimitFields } from './rate-limit-fields.ts'
import type { LimitHit, RequestLimits } from './request-limits.ts'
import { URL_BYTES_MAX } from './unknown-routes.ts'
import type { WrongKeys } from './wrong-keys.ts'

/** Longer than any key of ours. */
const KEY_CHARS_MAX = 200
const CHALLENGE = { 'www-authenticate': 'Bearer realm="lettergate"' }

function unauthorized(): Problem {
  return new Problem('unauthorized', { headers: CHALLENGE })
}

function tooManyWrong(waitSeconds: number): Problem {
  return new Problem('rate-limited', {
    detail: 'Too many wrong keys came from this address.',
    headers: { 'retry-after': String(waitSeconds) },
  })
}

const LIMIT_DETAILS: Record<LimitHit['by'], string> = {
  key: 'This key sends more requests than it may. Wait for Retry-After, then send fewer at a time.',
  tenant:
    'All keys together send more requests than the plan permits. Wait for Retry-After, then send fewer.',
  address: 'Too many requests without a valid key came from this address.',
}

function overLimit(hit: LimitHit): Problem {
  return new Problem('rate-limited', { detail: LIMIT_DETAILS[hit.by], headers: requestLimitFields(hit) })
}

/** Node keeps the first of two Authorization fields and drops the other without a word, so the raw list is asked. */
function countField(request: FastifyRequest, name: string): number {
  const { rawHeaders } = request.raw
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const field = rawHeaders[i]
    if (field !== undefined && field.length === name.length && field.toLowerCase() === name) count++
  }
  return count
}

function bearerKey(request: FastifyRequest): string | null {
  const { authorization } = request.raw.headers
  if (authorization === undefined || authorization.length > KEY_CHARS_MAX) return null
  if (!/^bearer +[^\s,]+$/i.test(authorization)) return null
  if (countField(request, 'authorization') !== 1) return null
  return authorization.slice(7).trimStart()
}

function checkAllowed(principal: Principal, config: RouteConfig, address: string): void {
  if (principal.mode !== 'admin' && principal.networks?.has(address) === false) {
    throw new Problem('insufficient-scope', {
      detail: `This key may not be used from ${address}: it is bound to networks. Use it from there, or a key without \`networks\`.`,
    })
  }
  const { scope } = config
  if (scope === undefined || !principal.scopes.has(scope)) {
    throw new Problem('insufficient-scope', { detail: `This needs a key with the scope ${scope}.` })
  }
  if (principal.mode === 'admin' && scope !== 'admin') {
    throw new Problem('insufficient-scope', {
      detail: 'An operator key belongs to no tenant: use a key of the tenant.',
    })
  }
  if (config.liveOnly && principal.mode === 'test') {
    throw new Problem('insufficient-scope', { detail: 'This needs a live key.' })
  }
  if (principal.mode !== 'admin' && principal.suspendedBecause !== undefined && !isReading(scope)) {
    throw new Problem('tenant-suspended', {
      detail: `The operator has suspended this tenant: ${principal.suspendedBecause}. You can read, and nothing else.`,
    })
  }
}

/** For the log of changes. */
function actorOf(request: FastifyRequest, principal: Principal): Actor {
  const kind = principal.mode === 'admin' ? 'admin' : 'key'
  // A trusted proxy may pass on any text as the address of the caller.
  const address = isIP(request.ip) === 0 ? null : request.ip
  return { kind, key_id: principal.keyId, request_id: request.id, address }
}

/** The log of changes names the caller; accepting a message changes nothing that is logged, and reading nothing at all. */
const isLogged = ({ scope }: RouteConfig) =>
  scope !== undefined && scope !== 'messages:send' && !isReading(scope)

/** The caller of a route whose scope belongs to tenants. */
export function tenantOf(request: FastifyRequest): TenantPrincipal {
  const { principal } = request
  if (principal === null || principal.mode === 'admin') throw new Problem('insufficient-scope')
  return principal
}

/** Checks the key of a request again, for an answer that waited: keys end, and are revoked. */
export async function checkKeyAgain(request: FastifyRequest, keys: KeyVerifier): Promise<void> {
  const key = bearerKey(request)
  const principal = key === null ? null : await fromStorage(keys.verify(key))
  if (principal === null) throw unauthorized()
  checkAllowed(principal, request.routeOptions.config, request.ip)
}

function runNow(work: () => void, done: HookHandlerDoneFunction): void {
  try {
    work()
    done()
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)))
  }
}

/** Puts a key check before every route that has a scope; refuses to boot when a route has neither scope nor `public`. */
export function addAuthentication(
  app: FastifyInstance,
  deps: {
    keys: KeyVerifier
    wrongKeys: WrongKeys
    actors: ActorScope
    limits: Pick<RequestLimits, 'take' | 'takeAddress'>
    uses: Pick<KeyUses, 'note'>
  },
): void {
  function limitAddress(request: FastifyRequest): void {
    const hit = deps.limits.takeAddress(request.ip)
    if (hit) throw overLimit(hit)
  }

  async function check(request: FastifyRequest, config: RouteConfig): Promise<void> {
    const key = bearerKey(request)
    if (key === null) {
      limitAddress(request)
      throw unauthorized()
    }
    const isGuesser = deps.wrongKeys.isGuesser(request.ip)
    const principal = await fromStorage(deps.keys.verify(key, { isGuesser }))
    request.keyCheckMs = performance.now() - request.arrivedAt
    if (principal === null) {
      const wait = deps.wrongKeys.count(request.ip)
      throw wait === 0 ? unauthorized() : tooManyWrong(wait)
    }
    checkAllowed(principal, config, request.ip)
    const tenantId = principal.mode === 'admin' ? null : principal.tenantId
    const agent = request.raw.headers['user-agent'] ?? null
    deps.uses.note({ keyId: principal.keyId, tenantId, address: request.ip, agent })
    const hit = principal.mode === 'admin' ? null : deps.limits.take(principal)
    if (hit) throw overLimit(hit)
    request.principal = principal
  }

  app.addHook('onRoute', (route) => {
    const config = route.config ?? {}
    if (!config.public && config.scope === undefined) {
      throw new Error(`${route.method} ${route.url} has neither a scope nor public: true`)
    }
    const before = (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void => {
      if ((request.raw.url?.length ?? 0) > URL_BYTES_MAX) done(new Problem('uri-too-long'))
      else if (config.public === 'page') runNow(() => limitAddress(request), done)
      else if (config.public) done()
      else check(request, config).then(() => done(), done)
    }
    route.onRequest = [before, ...[route.onRequest ?? []].flat()]
    if (!isLogged(config)) return
    // After the body was read: what its socket calls later would not know the actor.
    const name = (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void => {
      if (request.principal === null) done()
      else deps.actors.run(actorOf(request, request.principal), done)
    }
    route.preHandler = [name, ...[route.preHandler ?? []].flat()]
  })
}
