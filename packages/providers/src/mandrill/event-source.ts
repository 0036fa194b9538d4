import { z } from 'zod'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { parseMandrill } from './events.ts'
import { type MandrillRegistration, registerMandrill, unregisterMandrill } from './register.ts'
import type { MandrillCredentials, MandrillSettings } from './types.ts'
import { type MandrillSecrets, mandrillSecrets, verifyMandrill } from './verify.ts'

/** Mandrill's webhooks, up to 1,000 events in one form. */
export const mandrillEvents: EventSource<
  MandrillCredentials,
  MandrillSettings,
  MandrillSecrets,
  MandrillRegistration
> = {
  kinds: kindsBut('accepted'),
  proof: 'signature',
  bodyBytesMax: 3_000_000,
  secrets: mandrillSecrets,
  registration: z.strictObject({ webhook_id: z.int().nonnegative() }),
  verify: verifyMandrill,
  parse: ({ body }, receivedAt) => parseMandrill(body, receivedAt),
  steps: ({ url }) => [
    `In Mailchimp Transactional, open Settings, Webhooks, choose Add a Webhook, and enter the URL ${url}, exactly so: it is signed.`,
    'Choose all events of messages.',
    'Copy the key of the webhook into the secrets of this connection’s events.',
  ],
  register: registerMandrill,
  unregister: unregisterMandrill,
}
