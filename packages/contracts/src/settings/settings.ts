import { z } from 'zod'
import * as field from '../lib/fields.ts'

/** 30 days. */
export const RETRY_HOURS_MAX = 720

const pool = z.enum(['first', 'last', 'never']).meta({
  description:
    'The shared pool, for mail that no route matches. `last`: after your own connections. `first`: before them, while your share of the ' +
    'day lasts. `never`: your mail does not go through the pool. Without a connection of your own, `first` and `last` are the same.',
})
const overflow = z.enum(['reject', 'hold']).meta({
  description:
    'For a message that only the pool can send, once your share of the day is used up. `reject`: it is refused with ' +
    '`provider-required`. `hold`: it is accepted and sent as soon as there is room or a connection, for 7 days at most.',
})
const on_unknown = z.enum(['hold', 'resend']).meta({
  description:
    'After an attempt without an answer. `hold`: the message may have been delivered, and is not sent again automatically. `resend`: it is ' +
    'sent again, and may arrive twice.',
})
const retry_hours = z
  .int()
  .min(1)
  .max(RETRY_HOURS_MAX)
  .meta({
    description: 'Hours after which a message that could not be delivered is given up.',
    examples: [72],
  })

const recipient_domain_check = z.enum(['off', 'warn', 'reject']).meta({
  description:
    'Whether the domains of recipients of live messages are looked up. `warn`: one that takes no mail is a warning in the `202`. `reject`: ' +
    'the message is refused. A domain without an answer in time passes. A change counts within 30 seconds.',
})

const NOTICES_TO =
  'Address that gets a mail when an endpoint is disabled, a limit is nearly or wholly used, the shared pool warns or pauses you, or a ' +
  'domain is about to be lost. Null: none. Works where the operator of the gateway has set up notices; 20 a day at most.'

const fields = { pool, overflow, on_unknown, retry_hours, recipient_domain_check }

export const Settings = z
  .object({ ...fields, notices_to: field.maybeText(NOTICES_TO, 'ops@acme.example') })
  .meta({ id: 'Settings', description: 'Choices that hold for all your mail.' })
export type Settings = z.output<typeof Settings>

export const UpdateSettingsRequest = field
  .anyChangeOf({
    ...fields,
    notices_to: field.address(NOTICES_TO).nullable().meta({ description: NOTICES_TO }),
  })
  .meta({ id: 'UpdateSettingsRequest', description: 'Settings to change. Fields left out stay as they are.' })
export type UpdateSettingsRequest = z.output<typeof UpdateSettingsRequest>
