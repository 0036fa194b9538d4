import { z } from 'zod'
import { parseAddress } from './mailbox.ts'
import { recipientStatuses } from './recipient-status.ts'
import { tagPattern } from './send-shape.ts'
import { lineFault } from './text-rules.ts'

export const CreateConnectionRequest = z
  .strictObject({
    provider: z
      .string()
      .max(50)
      .meta({ description: 'Kind of provider: one of the reference’s list.', examples: ['smtp'] }),
    name: z
      .string()
      .min(1)
      .max(200)
      .refine((name) => lineFault(name) === undefined, 'has a line break or another control character')
      .meta({ description: 'Your name for it, in one line.', examples: ['Our relay'] }),
    priority: z.int().min(0).max(10_000).default(100).meta({ description: 'The lowest is used first.' }),
    settings: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({
        description: 'Settings of this provider, such as host and port.',
        examples: [{ host: 'smtp.acme.example', port: 587 }],
      }),
    credentials: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({
        description: 'Secrets of this provider: sealed when stored, and never shown again.',
        examples: [{ username: 'relay', password: '…' }],
      }),
  })
  .meta({ id: 'CreateConnectionRequest', description: 'An account at a provider to send through.' })
export type CreateConnectionRequest = z.output<typeof CreateConnectionRequest>

export const MessageStatusRequest = z
  .strictObject({
    ids: z
      .array(z.string())
      .min(1)
      .max(1_000)
      .meta({ description: 'Ids of messages.', examples: [['msg_01m7wa5yjwe1qr5m7w1gzh99cc']] }),
  })
  .meta({ id: 'MessageStatusRequest', description: 'Which messages to tell the status of.' })
export type MessageStatusRequest = z.output<typeof MessageStatusRequest>

const timeBound = (description: string) =>
  z.iso
    .datetime({ offset: true })
    .meta({ description, examples: ['2026-11-20T00:00:00Z'] })
    .transform((text) => new Date(text))
    .optional()

const addressFilter = z
  .string()
  .max(1_000)
  .meta({ description: 'Only messages to this address.', examples: ['user@example.net'] })
  .transform((text, context) => {
    const parsed = parseAddress(text)
    if ('address' in parsed) return parsed.address
    context.addIssue({ code: 'custom', message: parsed.detail })
    return z.NEVER
  })

const pageLimit = z.coerce.number().int().min(1).max(100).default(20).meta({
  description: 'Length of a page.',
})

/** Query of GET /v1/messages. */
export const ListMessagesQuery = z.strictObject({
  status: z
    .enum(recipientStatuses)
    .meta({ description: 'Only messages with a recipient of this status.' })
    .optional(),
  to: addressFilter.optional(),
  tag: z.string().regex(tagPattern).meta({ description: 'Only messages with this tag.' }).optional(),
  since: timeBound('Only messages stored at this time or later.'),
  until: timeBound('Only messages stored before this time.'),
  cursor: z.string().meta({ description: 'The `next_cursor` of the page before.' }).optional(),
  limit: pageLimit,
})
export type ListMessagesQuery = z.output<typeof ListMessagesQuery>

/** Query of GET /v1/messages/{id}. */
export const ReadMessageQuery = z.strictObject({
  wait: z.coerce.number().min(0).max(60).default(0).meta({
    description: 'Seconds to wait for the status to change before answering with the present one.',
  }),
})
export type ReadMessageQuery = z.output<typeof ReadMessageQuery>

/** Query of lists that have pages and nothing else. */
export const PageQuery = z.strictObject({
  cursor: z.string().meta({ description: 'The `next_cursor` of the page before.' }).optional(),
  limit: pageLimit,
})
export type PageQuery = z.output<typeof PageQuery>
