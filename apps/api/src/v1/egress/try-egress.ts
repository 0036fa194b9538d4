import { EgressVerdict, TryEgressRequest } from '@lettergate/contracts/egress/egress'
import { Problem } from '@lettergate/contracts/problems/problems'
import { createCountWindow } from '@lettergate/core/connections'
import { fromStorage } from '@lettergate/core/lib'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Each may ask the DNS for three seconds. */
const TRIES_PER_MINUTE = 60

/** Says whether a target may be reached, by which rule; opens no connection. */
export function addTryEgressRoute(app: FastifyInstance, deps: ApiDeps): void {
  const window = createCountWindow({ max: TRIES_PER_MINUTE, windowMs: 60_000 })
  app.post<{ Body: TryEgressRequest }>('/v1/egress/try', {
    config: { scope: 'settings:read', takesLong: true },
    schema: {
      operationId: 'tryEgress',
      summary: 'Try a target',
      description: `Says whether the gateway may connect to a host for you now, and which rule decides. The name is resolved; no connection is opened. ${TRIES_PER_MINUTE} times a minute.`,
      tags: ['Egress'],
      body: TryEgressRequest,
      response: {
        200: answer('The verdict.', EgressVerdict),
        ...problemAnswers(400, 401, 403, 413, 415, 422, 429, 503),
      },
    },
    handler: async (request): Promise<EgressVerdict> => {
      const { tenantId } = tenantOf(request)
      const waitSeconds = window.take(tenantId)
      if (waitSeconds > 0) {
        throw new Problem('rate-limited', {
          detail: `Targets may be tried ${TRIES_PER_MINUTE} times a minute.`,
          headers: { 'retry-after': String(waitSeconds) },
        })
      }
      const { host, port, protocol } = request.body
      const target = { host, port, ...(protocol !== undefined && { scheme: protocol }) }
      const verdict = await fromStorage(deps.egress.forTenant(tenantId).checkResolvedTarget(target))
      if (verdict.ok) return { allowed: true, rule: verdict.rule, reason: null }
      const rule = verdict.part === 'unresolved' ? 'unresolved' : verdict.rule
      return { allowed: false, rule, reason: verdict.reason }
    },
  })
}
