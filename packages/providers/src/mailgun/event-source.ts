import { z } from 'zod'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { parseMailgun } from './events.ts'
import { type MailgunRegistration, registerMailgun, unregisterMailgun } from './register.ts'
import type { MailgunCredentials, MailgunSettings } from './types.ts'
import { type MailgunSecrets, mailgunSecrets, verifyMailgun } from './verify.ts'

/** Mailgun's webhooks of a domain. */
export const mailgunEvents: EventSource<
  MailgunCredentials,
  MailgunSettings,
  MailgunSecrets,
  MailgunRegistration
> = {
  kinds: kindsBut('sent'),
  proof: 'signature',
  bodyBytesMax: 1_000_000,
  secrets: mailgunSecrets,
  registration: z.strictObject({ url: z.url().max(2048) }),
  verify: (hook, secrets, io) => verifyMailgun(hook, secrets, io.now()),
  parse: ({ body }, receivedAt) => parseMailgun(body, receivedAt),
  steps: ({ url }) => [
    `In Mailgun, open Send, Sending, Webhooks, choose the domain, and add the URL ${url} to every event.`,
    'Open API Security, and copy the HTTP webhook signing key into the secrets of this connection’s events.',
  ],
  register: registerMailgun,
  unregister: unregisterMailgun,
}
