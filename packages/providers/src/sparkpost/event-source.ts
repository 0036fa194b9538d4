import { z } from 'zod'
import { hookUser, type PasswordSecrets, passwordSecrets, verifyPassword } from '../lib/hook-checks.ts'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { parseSparkpost } from './events.ts'
import { registerSparkpost, type SparkpostRegistration, unregisterSparkpost } from './register.ts'
import type { SparkpostCredentials, SparkpostSettings } from './types.ts'

/** SparkPost's webhooks, which are not signed. */
export const sparkpostEvents: EventSource<
  SparkpostCredentials,
  SparkpostSettings,
  PasswordSecrets,
  SparkpostRegistration
> = {
  kinds: kindsBut('sent'),
  proof: 'password',
  bodyBytesMax: 2_000_000,
  secrets: passwordSecrets,
  registration: z.strictObject({ webhook_id: z.string().regex(/^[\w-]{1,64}$/) }),
  verify: verifyPassword,
  parse: ({ body }, receivedAt) => parseSparkpost(body, receivedAt),
  steps: ({ url, password }) => [
    `In SparkPost, open Configuration, Webhooks, Create Webhook, and enter the URL ${url}.`,
    `Choose Basic Auth with the user ${hookUser} and the password ${password.reveal()}.`,
    'Choose the events of messages, engagement (without the initial opens), generation and unsubscription.',
  ],
  register: registerSparkpost,
  unregister: unregisterSparkpost,
}
