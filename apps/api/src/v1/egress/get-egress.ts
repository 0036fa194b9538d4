import { EgressInfo } from '@lettergate/contracts/egress/egress'
import { fromStorage } from '@lettergate/core/lib'
import { usualPorts } from '@lettergate/egress/guard'
import { allApiHosts } from '@lettergate/providers/api-hosts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** The rules in force for a tenant. */
export const getEgressRoute = tenantRoute('GET', '/v1/egress', {
  scope: 'settings:read',
  operationId: 'getEgress',
  summary: 'Read what the gateway reaches for you',
  description:
    'The hosts that your connections and endpoints may lead to. A change of your plan holds within five seconds.',
  answers: { 200: answer('The rules in force.', EgressInfo) },
  handler: async ({ deps, tenantId }) => {
    const { plan, rules, extra } = await fromStorage(deps.policies.of(tenantId))
    return { plan, rules, extra, provider_hosts: allApiHosts(), usual_ports: usualPorts }
  },
})
