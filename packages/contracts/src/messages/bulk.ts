import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { recipientStatuses } from './recipient-status.ts'
import { tagPattern } from './send-shape.ts'

export const bulkActions = ['cancel', 'retry', 'hold', 'release'] as const
export type BulkAction = (typeof bulkActions)[number]

/** Errors of a job that its answer names. */
export const BULK_ERRORS_MAX = 20
const TEXT_MAX = 200

const status = z.enum(recipientStatuses)
const text = (description: string) => z.string().min(1).max(TEXT_MAX).meta({ description }).optional()
const conditions = {
  status: z
    .union([status, z.array(status).min(1).max(recipientStatuses.length)])
    .meta({ description: 'Status of a recipient, or several.' })
    .optional(),
  reason: text('A text in the reason of the recipient, such as `provider-required`.'),
  to: field.address('Address of a recipient.').optional(),
  to_domain: z
    .string()
    .regex(/^[^\s@]{1,253}$/, 'must be a domain, such as example.net')
    .meta({ description: 'Domain of a recipient.', examples: ['example.net'] })
    .optional(),
  from: field.address('Address of the sender.').optional(),
  subject: text('A text in the subject.'),
  tag: z.string().regex(tagPattern).meta({ description: 'A tag.' }).optional(),
  stream: z.enum(['transactional', 'bulk']).meta({ description: 'The stream.' }).optional(),
  connection: field
    .givenId('con', 'A connection: the message names it, waits for it, or was sent through it.')
    .optional(),
  since: field.timeBound('Stored at this time or later.'),
  until: field.timeBound('Stored before this time.'),
}

export const BulkFilter = z
  .strictObject(conditions)
  .refine((filter) => Object.values(filter).some((value) => value !== undefined), {
    message: 'must have at least one condition',
  })
  .meta({
    id: 'BulkFilter',
    description:
      'Messages that meet all of the conditions. `status`, `reason`, `to` and `to_domain` are met by one and the same recipient.',
  })
export type BulkFilter = z.output<typeof BulkFilter>

const action = z.enum(bulkActions).meta({
  description:
    '`cancel`, `retry`, `hold` and `release`: as the requests of these names for one message. A message whose state does not allow the action is skipped.',
})
const dry_run = z.boolean().default(false).meta({ description: 'Counts the messages and changes nothing.' })

export const BulkRequest = z
  .strictObject({ filter: BulkFilter, action, dry_run })
  .meta({ id: 'BulkRequest', description: 'An action on many messages.' })
export type BulkRequest = z.output<typeof BulkRequest>

export const AdminBulkRequest = z
  .strictObject({
    tenant: z
      .union([z.literal('all'), field.givenId('ten', 'A tenant.')])
      .meta({ description: 'Whose messages: the id of a tenant, or `all`.' }),
    mode: z
      .enum(['live', 'test'])
      .meta({ description: 'Messages of live keys or of test keys. Left out: both.' })
      .optional(),
    filter: BulkFilter,
    action,
    dry_run,
  })
  .meta({ id: 'AdminBulkRequest', description: 'An action on many messages, of one tenant or of all.' })
export type AdminBulkRequest = z.output<typeof AdminBulkRequest>

export const BulkPreview = z
  .object({
    action,
    matched: field.int('Messages that match the filter.'),
    applicable: field.int('Of these, messages whose state allows the action now.'),
    is_complete: field.flag(
      'False: there are too many messages to count them in one request; the counts are of the newest.',
    ),
    examples: field.texts('Ids of some messages that the action would change, the newest first.'),
  })
  .meta({ id: 'BulkPreview', description: 'The messages that the action would change now.' })
export type BulkPreview = z.output<typeof BulkPreview>

export const BulkJob = z
  .object({
    id: field.id('job', 'Id of the job.'),
    tenant: field.maybeText('Whose messages; null: those of all tenants.'),
    action,
    state: z.enum(['waiting', 'running', 'done', 'cancelled', 'failed']).meta({
      description: '`cancelled` and `failed`: it ended early; the messages that it had changed stay changed.',
    }),
    matched: field.int('Messages so far that match the filter.'),
    done: field.int('Of these, messages on which the action was done.'),
    skipped: field.int('Messages whose state does not allow the action.'),
    failed: field.int('Messages that were not changed for another reason, such as a used-up quota.'),
    errors: z
      .array(
        z
          .object({
            message: field.text('Id of the message.'),
            detail: field.text('Why it was not changed.'),
          })
          .meta({ id: 'BulkError', description: 'A message that failed.' }),
      )
      .meta({ description: `The first ${BULK_ERRORS_MAX} of them.` }),
    reason: field.maybeText('Why the job was given up; null: it was not.'),
    created_at: field.time('When it was requested.'),
    finished_at: field.maybeTime('When it ended; null: it has not.'),
  })
  .meta({ id: 'BulkJob', description: 'An action on many messages, and how far it is.' })
export type BulkJob = z.output<typeof BulkJob>
