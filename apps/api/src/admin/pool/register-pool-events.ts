import { RegisterEventsRequest } from '@lettergate/contracts/provider-events/requests'
import { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentRegistration } from '../../v1/provider-events/present-registration.ts'

const answers = { 200: answer('The state of the registration.', EventsRegistration) }

/** Lets the provider of a connection of the pool report what became of mail, which the rule against abuse needs. */
export const registerPoolEventsRoute = operatorRoute('POST', '/v1/admin/pool/:id/register-events', {
  takesLong: true,
  operationId: 'registerPoolEvents',
  summary: 'Register the events of a connection of the shared pool',
  description:
    'Makes the provider send its events to this gateway. Each event goes to the tenant whose message it is about; bounces and ' +
    'complaints count for the tenant’s standing with the pool. Needs an operator key.',
  id: 'con',
  body: RegisterEventsRequest,
  answers,
  problems: [409, 429],
  handler: async ({ deps, id, body }) =>
    presentRegistration(id, await deps.registrar.register(POOL_TENANT_ID, id, { ...body, rotate: false })),
})

/** Removes the webhook of a connection of the pool. */
export const unregisterPoolEventsRoute = operatorRoute('DELETE', '/v1/admin/pool/:id/register-events', {
  takesLong: true,
  operationId: 'unregisterPoolEvents',
  summary: 'Undo the registration of events of the shared pool',
  description: 'Removes the webhook at the provider. Needs an operator key.',
  id: 'con',
  answers,
  problems: [400, 409, 413, 415, 422, 429],
  handler: async ({ deps, id }) =>
    presentRegistration(id, await deps.registrar.unregister(POOL_TENANT_ID, id)),
})
