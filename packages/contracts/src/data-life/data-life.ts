import { z } from 'zod'
import * as field from '../lib/fields.ts'

const day = (description: string) =>
  z.iso
    .date({ error: 'must be a date, such as 2026-11-20' })
    .nullable()
    .default(null)
    .meta({ description, examples: ['2026-11-20'] })

export const DataExportRequest = z
  .strictObject({
    content: z
      .boolean()
      .default(false)
      .meta({ description: 'Also texts, mails and files of messages that are still kept.' }),
    since: day('First UTC day of messages and events; null: all that are kept.'),
    until: day('Last UTC day of them; null: until now.'),
  })
  .meta({ id: 'DataExportRequest', description: 'The part of the data to export.' })
export type DataExportRequest = z.output<typeof DataExportRequest>

export const ErasureRequest = z
  .strictObject({
    address: field.address('The address to erase, in any spelling.').transform((text) => text.toLowerCase()),
    reason: z
      .string()
      .max(500)
      .optional()
      .meta({
        description: 'For the receipt, such as the number of the request.',
        examples: ['request 4711'],
      }),
  })
  .meta({ id: 'ErasureRequest', description: 'A person to erase.' })
export type ErasureRequest = z.output<typeof ErasureRequest>

export const DeletionRequest = z
  .strictObject({
    confirm: z
      .string()
      .max(200)
      .meta({ description: 'The name of the tenant.', examples: ['Acme'] }),
  })
  .meta({ id: 'DeletionRequest', description: 'The name of the tenant, against a wrong id.' })
export type DeletionRequest = z.output<typeof DeletionRequest>

export const DataJob = z
  .object({
    id: field.id('job', 'Id of the job.'),
    kind: z.enum(['export', 'erasure', 'deletion']).meta({ description: 'The work of the job.' }),
    state: z.enum(['waiting', 'running', 'done', 'failed']).meta({
      description: 'Only an export can fail. Erasures and deletions are repeated until they are done.',
    }),
    tenant_id: field.maybeId('ten', 'The tenant that it is about; null: all tenants.'),
    address_sha256: field.maybeText('SHA-256 of the erased address in lower case, as hex; null: no erasure.'),
    reason: field.maybeText('The reason that the request gave.'),
    counts: z.record(z.string(), z.int()).meta({
      description:
        'Rows so far, by table. `kept in …` counts settings that name an erased address: change them yourself.',
    }),
    bytes: field.int('Size of the file of an export so far.'),
    error: field.maybeText('Why an export failed; null: it did not.'),
    result: field.maybeText(
      'Where the file of an export is, once it is done. It is kept for 7 days.',
      '/v1/export/job_01m7wa5yjwe1qr5m7w1gzh99cc/file',
    ),
    created_at: field.time('When it was requested.'),
    finished_at: field.maybeTime('When it ended; null: it has not.'),
  })
  .meta({ id: 'DataJob', description: 'An export, erasure or deletion, and how far it is.' })
export type DataJob = z.output<typeof DataJob>
