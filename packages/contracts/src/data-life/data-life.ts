import { z } from 'zod'
import { addressText, maybeTime, time } from '../lib/schema-parts.ts'

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
    address: addressText('The address to erase, in any spelling.').transform((text) => text.toLowerCase()),
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
    id: z.string().meta({ description: 'Id of the job.', examples: ['job_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
    kind: z.enum(['export', 'erasure', 'deletion']).meta({ description: 'The work of the job.' }),
    state: z.enum(['waiting', 'running', 'done', 'failed']).meta({
      description: 'Only an export can fail. Erasures and deletions are repeated until they are done.',
    }),
    tenant_id: z
      .string()
      .nullable()
      .meta({
        description: 'The tenant that it is about; null: all tenants.',
        examples: ['ten_01m7wa5yjwe1qr5m7w1gzh99cc'],
      }),
    address_sha256: z
      .string()
      .nullable()
      .meta({ description: 'SHA-256 of the erased address in lower case, as hex; null: no erasure.' }),
    reason: z.string().nullable().meta({ description: 'The reason that the request gave.' }),
    counts: z.record(z.string(), z.int()).meta({
      description:
        'Rows so far, by table. `kept in …` counts settings that name an erased address: change them yourself.',
    }),
    bytes: z.int().meta({ description: 'Size of the file of an export so far.' }),
    error: z.string().nullable().meta({ description: 'Why an export failed; null: it did not.' }),
    result: z
      .string()
      .nullable()
      .meta({
        description: 'Where the file of an export is, once it is done. It is kept for 7 days.',
        examples: ['/v1/export/job_01m7wa5yjwe1qr5m7w1gzh99cc/file'],
      }),
    created_at: time('When it was requested.'),
    finished_at: maybeTime('When it ended; null: it has not.'),
  })
  .meta({ id: 'DataJob', description: 'An export, erasure or deletion, and how far it is.' })
export type DataJob = z.output<typeof DataJob>
