import { z } from 'zod'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { parseSendgrid } from './events.ts'
import { registerSendgrid, type SendgridRegistration, unregisterSendgrid } from './register.ts'
import { endpoint, type SendgridCredentials, type SendgridSettings } from './types.ts'
import { type SendgridSecrets, sendgridSecrets, verifySendgrid } from './verify.ts'

/** SendGrid's signed event webhook. */
export const sendgridEvents: EventSource<
  SendgridCredentials,
  SendgridSettings,
  SendgridSecrets,
  SendgridRegistration
> = {
  kinds: kindsBut('accepted'),
  proof: 'signature',
  bodyBytesMax: 1_000_000,
  secrets: sendgridSecrets,
  registration: z.strictObject({ webhook_id: z.string().regex(/^[\w-]{1,64}$/) }),
  verify: (hook, secrets, io) => verifySendgrid(hook, secrets, io.now()),
  parse: ({ body }, receivedAt) => parseSendgrid(body, receivedAt),
  steps: ({ url }) => [
    `In SendGrid, open Settings, Mail Settings, Event Webhooks, and create a webhook with the URL ${url}.`,
    'Choose all events of deliverability and engagement.',
    'Enable Signature Verification, copy the verification key into the secrets of this connection’s events, and enable the webhook.',
  ],
  register: (connection, target, io) =>
    registerSendgrid(connection, target, endpoint(connection.settings), io),
  unregister: (connection, registration, io) =>
    unregisterSendgrid(connection, registration, endpoint(connection.settings), io),
}
