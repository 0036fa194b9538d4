import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { failureCodes } from '../problems/failure-codes.ts'

export const EventsRegistration = z
  .object({
    connection_id: field.id('con', 'Id of the connection.'),
    provider: field.text('The provider.', 'sendgrid'),
    registered: field.flag('True: Lettergate has registered the URL at the provider.'),
    registered_at: field.maybeTime('When it was registered; null: it is not.'),
    url: field.maybeText(
      'The URL for the events of this connection. Keep it secret. Null: none is open.',
      'https://mail.acme.example/v1/hooks/sendgrid/con_01m7wa5yjwe1qr5m7w1gzh99cc/3kPm…',
    ),
    old_urls_until: field.maybeTime(
      'Until this time, events at earlier URLs are accepted too; null: there are none.',
    ),
    problem: z
      .object({
        code: z.enum(failureCodes).meta({ description: 'The kind of failure.' }),
        reason: field.text('The answer of the provider.'),
        advice: field.texts('Steps to fix it, in whole sentences.'),
        help: field.text(
          'Address of the page that explains this failure.',
          '/problems/provider-permission-missing',
        ),
      })
      .nullable()
      .meta({
        description: 'Why this request did not succeed at the provider; null: it did, or nothing was asked.',
      }),
    steps: field.texts(
      'Steps for a person at the provider, if it is not registered. They may show a password.',
    ),
    notes: field.texts('Further remarks.'),
    last_event_at: field.maybeTime('When the last event was accepted; null: none came.'),
    refused: field.int(
      'Number of requests at the URL that were refused, because they were not from the provider.',
    ),
    last_refused_at: field.maybeTime('When the last request was refused; null: none was.'),
    last_refusal: field.maybeText('Why it was refused; null: none was.'),
  })
  .meta({ id: 'EventsRegistration', description: 'Where the provider of a connection sends its events.' })
export type EventsRegistration = z.output<typeof EventsRegistration>
