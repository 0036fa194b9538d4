import { z } from 'zod'
import { type PasswordSecrets, passwordSecrets, verifyPassword } from '../lib/hook-checks.ts'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { parseBrevo } from './events.ts'
import { type BrevoRegistration, registerBrevo, unregisterBrevo } from './register.ts'
import type { BrevoCredentials, BrevoSettings } from './types.ts'

/** Brevo's transactional webhooks, which are not signed. */
export const brevoEvents: EventSource<BrevoCredentials, BrevoSettings, PasswordSecrets, BrevoRegistration> = {
  kinds: kindsBut('accepted'),
  proof: 'password',
  bodyBytesMax: 1_000_000,
  secrets: passwordSecrets,
  registration: z.strictObject({ webhook_id: z.int().nonnegative() }),
  verify: verifyPassword,
  parse: ({ body }, receivedAt) => parseBrevo(body, receivedAt),
  steps: ({ url, password }) => [
    `In Brevo, open Transactional, Settings, Webhook, Add a new webhook, and enter the URL ${url}.`,
    `Choose token authentication with the token ${password.reveal()}.`,
    'Choose all events but the first openings, which come beside the openings.',
  ],
  register: registerBrevo,
  unregister: unregisterBrevo,
}
