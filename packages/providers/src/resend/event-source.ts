import { z } from 'zod'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { parseResend } from './events.ts'
import { type ResendRegistration, registerResend, unregisterResend } from './register.ts'
import type { ResendCredentials, ResendSettings } from './types.ts'
import { type ResendSecrets, resendSecrets, verifyResend } from './verify.ts'

/** Resend's webhooks, signed by Svix' scheme. */
export const resendEvents: EventSource<ResendCredentials, ResendSettings, ResendSecrets, ResendRegistration> =
  {
    kinds: kindsBut('unsubscribed'),
    proof: 'signature',
    bodyBytesMax: 1_000_000,
    secrets: resendSecrets,
    registration: z.strictObject({ webhook_id: z.string().regex(/^[\w-]{1,64}$/) }),
    verify: (hook, secrets, io) => verifyResend(hook, secrets, io.now()),
    parse: parseResend,
    steps: ({ url }) => [
      `In Resend, open Webhooks, choose Add Webhook, and enter the URL ${url}.`,
      'Choose all events that begin with email., but for email.received.',
      'Copy the signing secret (whsec_…) into the secrets of this connection’s events.',
    ],
    register: registerResend,
    unregister: unregisterResend,
  }
