import { EgressInfo } from '@lettergate/contracts/egress/egress'
import { fromStorage } from '@lettergate/core/lib'
import { usualPorts } from '@lettergate/egress/guard'
import { allApiHosts } from '@lettergate/providers/api-hosts'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** The rules in force for a tenant. */
export function addGetEgressRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/egress', {
    config: { scope: 'settings:read' },
    schema: {
      operationId: 'getEgress',
      summary: 'Read what the gateway reaches for you',
      description:
        'The hosts that your connections and endpoints may lead to. A change of your plan holds within five seconds.',
      tags: ['Egress'],
      response: { 200: answer('The rules in force.', EgressInfo), ...problemAnswers(401, 403, 503) },
    },
    handler: async (request): Promise<EgressInfo> => {
      const { plan, rules, extra } = await fromStorage(deps.policies.of(tenantOf(request).tenantId))
      return { plan, rules, extra, provider_hosts: allApiHosts(), usual_ports: usualPorts }
    },
  })
}
