import { EgressVerdict, TryEgressRequest } from '@lettergate/contracts/egress/egress'
import { Problem } from '@lettergate/contracts/problems/problems'
import { fromStorage } from '@lettergate/core/lib'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Each may ask the DNS for three seconds. */
export const EGRESS_TRIES_PER_MINUTE = 60

/** Says whether a target may be reached, by which rule; opens no connection. */
export const tryEgressRoute = tenantRoute('POST', '/v1/egress/try', {
  scope: 'settings:read',
  takesLong: true,
  operationId: 'tryEgress',
  summary: 'Try a target',
  description: `Says whether the gateway may connect to a host for you now, and which rule decides. The name is resolved; no connection is opened. ${EGRESS_TRIES_PER_MINUTE} times a minute.`,
  body: TryEgressRequest,
  answers: { 200: answer('The verdict.', EgressVerdict) },
  problems: [429],
  handler: async ({ deps, tenantId, body: { host, port, protocol } }) => {
    const waitSeconds = deps.egressTries.take(tenantId)
    if (waitSeconds > 0) {
      throw new Problem('rate-limited', {
        detail: `Targets may be tried ${EGRESS_TRIES_PER_MINUTE} times a minute.`,
        headers: { 'retry-after': String(waitSeconds) },
      })
    }
    const target = { host, port, ...(protocol !== undefined && { scheme: protocol }) }
    const verdict = await fromStorage(deps.egress.forTenant(tenantId).checkResolvedTarget(target))
    if (verdict.ok) return { allowed: true, rule: verdict.rule, reason: null }
    const rule = verdict.part === 'unresolved' ? 'unresolved' : verdict.rule
    return { allowed: false, rule, reason: verdict.reason }
  },
})
