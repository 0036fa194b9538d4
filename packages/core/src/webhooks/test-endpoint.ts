import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import type { EndpointAnswer } from './call-endpoint.ts'
import { type EndpointDeps, type Owner, openEndpoint } from './endpoints.ts'
import { callSigned } from './make-call.ts'

/** An event that never happened, in the form of those that do. */
function testBody(now: Date): string {
  const at = now.toISOString()
  return JSON.stringify({
    type: 'recipient.delivered',
    timestamp: at,
    data: {
      seq: 0,
      at,
      message_id: toPublicId('msg', newId()),
      recipient: 'test@sandbox.lettergate.dev',
      status: 'delivered',
      reason: 'This is a test: no message was sent.',
      attempt: null,
      detail: null,
      connection: null,
      stream: 'transactional',
      tags: ['lettergate-test'],
      metadata: {},
    },
  })
}

/** Calls the URL of an endpoint once, with an event that says that it is a test; nothing is recorded of it. */
export async function testEndpoint(deps: EndpointDeps, owner: Owner, id: string): Promise<EndpointAnswer> {
  const target = await openEndpoint(deps, owner, id)
  const at = new Date(deps.clock.now())
  const call = { id: `evt_test_${newId()}`, at, body: testBody(at) }
  return callSigned(deps, { tenantId: owner.tenantId, ...target }, call)
}
