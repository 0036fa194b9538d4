import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { timeText, toDate } from '../lib/timestamp.ts'

export const suppressionReasons = ['hard_bounce', 'complaint', 'unsubscribe', 'manual', 'import'] as const
export type SuppressionReason = (typeof suppressionReasons)[number]

export const suppressionStreams = ['*', 'transactional', 'bulk'] as const

/** Entries in one request. */
export const SUPPRESSIONS_MAX = 1_000
export const NOTE_CHARS_MAX = 200

/** In lower case: two spellings of an address are one mailbox here. */
export const ListedAddress = field
  .address('An address, in any spelling.')
  .transform((address) => address.toLowerCase())

const stream = z.enum(suppressionStreams).meta({
  description: 'The stream that no longer sends to the address; `*`: every stream.',
})
const reason = z.enum(suppressionReasons).meta({
  description:
    '`hard_bounce`: there is no such mailbox. `complaint`: the recipient reported a message as spam. `unsubscribe`: the recipient ' +
    'unsubscribed. `manual`: added by a request. `import`: added by a file.',
})
const note = field
  .oneLine(z.string().max(NOTE_CHARS_MAX))
  .meta({ description: 'A remark of yours, in one line.' })

export const NewSuppression = z
  .strictObject({
    address: ListedAddress,
    stream: stream.default('*'),
    reason: reason.default('manual'),
    note: note.optional(),
    expires_at: timeText
      .meta({
        format: 'date-time',
        description: 'When the entry ends. Left out: never.',
        examples: ['2027-01-01T00:00:00Z'],
      })
      .transform(toDate)
      .optional(),
  })
  .meta({ id: 'NewSuppression', description: 'An address to put on the list.' })
export type NewSuppression = z.output<typeof NewSuppression>

export const AddSuppressionsRequest = z
  .strictObject({
    suppressions: z
      .array(NewSuppression)
      .min(1)
      .max(SUPPRESSIONS_MAX)
      .meta({ description: 'The addresses.' }),
  })
  .meta({ id: 'AddSuppressionsRequest', description: 'Addresses to put on the list.' })
export type AddSuppressionsRequest = z.output<typeof AddSuppressionsRequest>

export const Suppression = z
  .object({
    address: field.text('In lower case.', 'user@example.net'),
    stream,
    reason,
    message_id: field.maybeId('msg', 'The message whose event was the cause; null: none.'),
    note: field.maybeText('A remark of yours.'),
    created_at: field.time('When it was added.'),
    expires_at: field.maybeTime('When it ends; null: when you delete it.'),
  })
  .meta({ id: 'Suppression', description: 'An address that mail is not sent to.' })
export type Suppression = z.output<typeof Suppression>

export const SuppressionsAdded = z
  .object({
    added: field.int(
      'Entries that are new, or that last longer than before. The others were on the list and stay as they are.',
    ),
    data: z.array(Suppression).meta({ description: 'The entries as they are now, by address.' }),
  })
  .meta({ id: 'SuppressionsAdded', description: 'The result for the addresses.' })
export type SuppressionsAdded = z.output<typeof SuppressionsAdded>

export const SuppressionList = field
  .pageOf(Suppression, 'Newest first.')
  .meta({ id: 'SuppressionList', description: 'A page of the list.' })
export type SuppressionList = z.output<typeof SuppressionList>

export const AddressSuppressions = z
  .object({
    address: field.text('In lower case.'),
    data: z.array(Suppression).meta({ description: 'One for each stream that has an entry.' }),
  })
  .meta({ id: 'AddressSuppressions', description: 'The entries of one address.' })
export type AddressSuppressions = z.output<typeof AddressSuppressions>

export const SuppressionsDeleted = z
  .object({
    address: field.text('In lower case.'),
    deleted: field.int('Entries that were deleted.'),
  })
  .meta({ id: 'SuppressionsDeleted', description: 'The entries are deleted.' })
export type SuppressionsDeleted = z.output<typeof SuppressionsDeleted>

const cursor = field.cursor

export const ListSuppressionsQuery = z.strictObject({
  address: ListedAddress.optional(),
  reason: reason.optional(),
  stream: stream.optional(),
  cursor,
  limit: field.queryInt('Entries on a page.', { max: 1_000, usual: 100 }),
})
export type ListSuppressionsQuery = z.output<typeof ListSuppressionsQuery>

export const DeleteSuppressionQuery = z.strictObject({
  stream: stream
    .optional()
    .meta({ description: 'Only the entry of this stream. Left out: all of the address.' }),
})
export type DeleteSuppressionQuery = z.output<typeof DeleteSuppressionQuery>

export const ImportSuppressionsQuery = z.strictObject({
  stream: stream.default('*').meta({ description: 'For lines that name no stream.' }),
  reason: reason.default('import').meta({ description: 'For lines that name none of the reasons.' }),
})
export type ImportSuppressionsQuery = z.output<typeof ImportSuppressionsQuery>

export const ExportSuppressionsRequest = z
  .strictObject({ reason: reason.optional(), stream: stream.optional() })
  .meta({ id: 'ExportSuppressionsRequest', description: 'Which entries; {}: all.' })
export type ExportSuppressionsRequest = z.output<typeof ExportSuppressionsRequest>

/** Errors of an import that a job names. */
export const JOB_ERRORS_MAX = 20

export const SuppressionJob = z
  .object({
    id: field.id('job', 'Id of the job.'),
    kind: z.enum(['import', 'export']).meta({ description: 'The work of the job.' }),
    state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']).meta({
      description: '`failed`: it was given up. `cancelled`: you ended it. Its work until then stays.',
    }),
    total: field.maybeInt('Lines or entries; null: not counted yet.'),
    done: field.int('Lines or entries so far.'),
    added: field.int('Entries of an import that are new, or that last longer than before.'),
    rejected: field.int('Lines of an import that could not be read.'),
    errors: z
      .array(
        z
          .object({
            line: field.int('Number of the line, from 1.'),
            detail: field.text('The error in it.'),
          })
          .meta({ id: 'ImportError', description: 'A line that could not be read.' }),
      )
      .meta({ description: `The first ${JOB_ERRORS_MAX} of them.` }),
    reason: field.maybeText('Why it failed; null: it did not.'),
    result: field.maybeText(
      'Where the CSV of an export is, once it is done. It is kept for 7 days.',
      '/v1/suppressions/jobs/job_01m7wa5yjwe1qr5m7w1gzh99cc/csv',
    ),
    created_at: field.time('When it was requested.'),
    finished_at: field.maybeTime('When it ended; null: it has not.'),
  })
  .meta({ id: 'SuppressionJob', description: 'An import or export, and how far it is.' })
export type SuppressionJob = z.output<typeof SuppressionJob>
