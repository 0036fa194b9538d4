import { z } from 'zod'
import { hookUser, type PasswordSecrets, passwordSecrets, verifyPassword } from '../lib/hook-checks.ts'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { parsePostmark } from './events.ts'
import { type PostmarkRegistration, registerPostmark, unregisterPostmark } from './register.ts'
import type { PostmarkCredentials, PostmarkSettings } from './types.ts'

/** Postmark's webhooks of a message stream, which are not signed. */
export const postmarkEvents: EventSource<
  PostmarkCredentials,
  PostmarkSettings,
  PasswordSecrets,
  PostmarkRegistration
> = {
  kinds: kindsBut('accepted', 'sent'),
  proof: 'password',
  bodyBytesMax: 1_000_000,
  secrets: passwordSecrets,
  registration: z.strictObject({ webhook_id: z.int().nonnegative() }),
  verify: verifyPassword,
  parse: ({ body }, receivedAt) => parsePostmark(body, receivedAt),
  steps: ({ url, password }) => [
    `In Postmark, open the server, its message stream, Webhooks, Add webhook, and enter the URL ${url}.`,
    `Enter the basic auth user ${hookUser} and the password ${password.reveal()}.`,
    'Choose all events, without the content of bounced messages, and all opens.',
  ],
  register: registerPostmark,
  unregister: unregisterPostmark,
}
