import { z } from 'zod'
import { maybeTime } from '../lib/schema-parts.ts'
import { failureCodes } from '../problems/failure-codes.ts'

export const EventsRegistration = z
  .object({
    connection_id: z
      .string()
      .meta({ description: 'Id of the connection.', examples: ['con_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
    provider: z.string().meta({ description: 'The provider.', examples: ['sendgrid'] }),
    registered: z.boolean().meta({ description: 'True: Lettergate has registered the URL at the provider.' }),
    registered_at: maybeTime('When it was registered; null: it is not.'),
    url: z
      .string()
      .nullable()
      .meta({
        description: 'The URL for the events of this connection. Keep it secret. Null: none is open.',
        examples: ['https://mail.acme.example/v1/hooks/sendgrid/con_01m7wa5yjwe1qr5m7w1gzh99cc/3kPm…'],
      }),
    old_urls_until: maybeTime(
      'Until this time, events at earlier URLs are accepted too; null: there are none.',
    ),
    problem: z
      .object({
        code: z.enum(failureCodes).meta({ description: 'The kind of failure.' }),
        reason: z.string().meta({ description: 'The answer of the provider.' }),
        advice: z.array(z.string()).meta({ description: 'Steps to fix it, in whole sentences.' }),
        help: z.string().meta({
          description: 'Address of the page that explains this failure.',
          examples: ['/problems/provider-permission-missing'],
        }),
      })
      .nullable()
      .meta({
        description: 'Why this request did not succeed at the provider; null: it did, or nothing was asked.',
      }),
    steps: z.array(z.string()).meta({
      description: 'Steps for a person at the provider, if it is not registered. They may show a password.',
    }),
    notes: z.array(z.string()).meta({ description: 'Further remarks.' }),
    last_event_at: maybeTime('When the last event was accepted; null: none came.'),
    refused: z.int().meta({
      description:
        'Number of requests at the URL that were refused, because they were not from the provider.',
    }),
    last_refused_at: maybeTime('When the last request was refused; null: none was.'),
    last_refusal: z.string().nullable().meta({ description: 'Why it was refused; null: none was.' }),
  })
  .meta({ id: 'EventsRegistration', description: 'Where the provider of a connection sends its events.' })
export type EventsRegistration = z.output<typeof EventsRegistration>
