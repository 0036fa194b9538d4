import { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentRegistration } from './present-registration.ts'

/** Shows where the events of a connection come in, and whether they do. */
export const getRegistrationRoute = tenantRoute('GET', '/v1/connections/:id/register-events', {
  scope: 'connections:read',
  liveOnly: true,
  operationId: 'getEventsRegistration',
  summary: 'Read the registration of events',
  description:
    'Whether the events of the connection are registered, when the last one came, and how many requests were refused. The counts are ' +
    'at most a few seconds old. The provider is not asked. Needs a live key.',
  id: 'con',
  answers: { 200: answer('The state of the registration.', EventsRegistration) },
  problems: [409],
  handler: async ({ deps, tenantId, id }) => presentRegistration(id, await deps.registrar.read(tenantId, id)),
})
