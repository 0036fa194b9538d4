import { RegisterEventsRequest } from '@lettergate/contracts/provider-events/requests'
import { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentRegistration } from './present-registration.ts'

/** All but words and path are the same: a connection gets its first URL or another one. */
const register = {
  scope: 'connections:write',
  liveOnly: true,
  takesLong: true,
  id: 'con',
  body: RegisterEventsRequest,
  answers: { 200: answer('The state of the registration.', EventsRegistration) },
  problems: [409, 429],
} as const

/** Registers a connection at its provider. */
export const registerEventsRoute = tenantRoute('POST', '/v1/connections/:id/register-events', {
  ...register,
  operationId: 'registerEvents',
  summary: 'Register the events of a connection',
  description:
    'Makes the provider send its events (delivered, bounced, opened and others) to a URL of this gateway, through the API of the ' +
    'provider. A repeat makes no second webhook, and corrects one that was changed. If the provider refuses, the answer is 200 with ' +
    '`registered: false`, the problem, and steps for a person. It takes 25 seconds at most; 20 calls a minute. Needs a live key.',
  handler: async ({ deps, tenantId, id, body }) =>
    presentRegistration(id, await deps.registrar.register(tenantId, id, { ...body, rotate: false })),
})

/** Registers a connection anew, under another URL. */
export const rotateEventsRoute = tenantRoute('POST', '/v1/connections/:id/register-events/rotate', {
  ...register,
  operationId: 'rotateEvents',
  summary: 'Replace the URL of the events of a connection',
  description:
    'Registers a fresh URL with a fresh secret at the provider. The URL and the secret of before stay good for 24 hours, so no event ' +
    'is lost; then the earlier webhook is removed at the provider. If the provider refuses, the URL of before stays in use. Needs a live key.',
  handler: async ({ deps, tenantId, id, body }) =>
    presentRegistration(id, await deps.registrar.register(tenantId, id, { ...body, rotate: true })),
})
