import { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentRegistration } from './present-registration.ts'

/** Undoes a registration at the provider. */
export const unregisterEventsRoute = tenantRoute('DELETE', '/v1/connections/:id/register-events', {
  scope: 'connections:write',
  liveOnly: true,
  takesLong: true,
  operationId: 'unregisterEvents',
  summary: 'Undo the registration of events',
  description:
    'Removes the webhook at the provider. Events that are on their way are accepted for 24 hours. If the provider refuses, the answer ' +
    'is 200 with the problem, and nothing is changed. Needs a live key.',
  id: 'con',
  answers: { 200: answer('The state of the registration.', EventsRegistration) },
  problems: [409, 429],
  handler: async ({ deps, tenantId, id }) =>
    presentRegistration(id, await deps.registrar.unregister(tenantId, id)),
})
