import { z } from 'zod'
import * as field from '../lib/fields.ts'

export const DOMAINS_MAX = 100

export const AddDomainRequest = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(300)
      .meta({
        description:
          'The domain behind the @ of your senders. Names beyond ASCII are accepted in either form.',
        examples: ['acme.example'],
      }),
  })
  .meta({ id: 'AddDomainRequest', description: 'A domain that you send from.' })
export type AddDomainRequest = z.output<typeof AddDomainRequest>

export const DomainRecord = z
  .object({
    kind: z.enum(['ownership', 'dkim', 'return_path', 'spf', 'dmarc']).meta({
      description:
        '`ownership`: proves that the domain is yours. `dkim`: a key that your mail is signed with, which proves it too. `return_path`: where bounces come back. `spf`, `dmarc`: what receivers look at besides.',
    }),
    need: z.enum(['required', 'recommended', 'optional', 'remove']).meta({
      description: '`remove`: the key was replaced, and you can remove its record.',
    }),
    type: z.enum(['TXT', 'CNAME']).meta({ description: 'Type of the record.' }),
    name: field.text('The whole name of the record.', '_lettergate.acme.example'),
    host: field.text(
      'The name without the domain, as most DNS panels want it; `@` is the domain itself.',
      '_lettergate',
    ),
    value: field.text('The value wanted.'),
    strings: z.array(z.string()).nullable().meta({
      description:
        'The value as strings of at most 255 characters, for DNS panels that need them; null: it is short.',
    }),
    key_state: z.enum(['new', 'active', 'old']).nullable().meta({
      description:
        'Of a DKIM record: `new` keys wait for their record, `active` ones sign, `old` ones were replaced.',
    }),
    status: z.enum(['not_started', 'pending', 'verified', 'failed', 'temporary_failure']).meta({
      description:
        '`pending`: not there yet. `failed`: what is there is wrong. `temporary_failure`: the name servers did not answer.',
    }),
    found: field.texts('Values found at the last check.'),
    difference: field.maybeText('The difference and its remedy, in one sentence; null: none.'),
  })
  .meta({ id: 'DomainRecord', description: 'A DNS record that you are asked to add.' })
export type DomainRecord = z.output<typeof DomainRecord>

const fields = {
  id: field.id('dom', 'Id of the domain.'),
  name: field.text('The domain, in ASCII.', 'xn--bcher-kva.example'),
  unicode_name: field.text('The domain as people write it.', 'bücher.example'),
  status: z.enum(['not_started', 'pending', 'partially_verified', 'verified', 'failed']).meta({
    description:
      '`pending`: its records are looked for. `verified`: it is proved, also during the 24 hours after its records vanished. `partially_verified`: the same, but its mail is not signed, or the record of `return_path` or `dmarc` is missing. `failed`: its records were not found for 72 hours, or are gone.',
  }),
  reason: field.maybeText('Why it is not verified, or is in danger; null: nothing.'),
  has_return_path: field.flag(
    'Whether bounces come back to `bounce.` below the domain, so that SPF is aligned with it.',
  ),
  verified_at: field.maybeTime('When it was proved.'),
  lost_at: field.maybeTime('When it is lost unless its records come back; null: they are there.'),
  checked_at: field.maybeTime('When its records were looked up last.'),
  next_check_at: field.maybeTime('When they are looked up next; null: when you ask for it.'),
  created_at: field.time('When it was added.'),
}

export const DomainSummary = z
  .object(fields)
  .meta({ id: 'DomainSummary', description: 'A domain that you send from, without its records.' })
export type DomainSummary = z.output<typeof DomainSummary>

export const Domain = z
  .object({ ...fields, records: z.array(DomainRecord).meta({ description: 'The records to add.' }) })
  .meta({ id: 'Domain', description: 'A domain that you send from.' })
export type Domain = z.output<typeof Domain>

export const DomainList = field
  .listOf(DomainSummary, 'In the order of their names.')
  .meta({ id: 'DomainList', description: 'All domains.' })
export type DomainList = z.output<typeof DomainList>

export const PoolSpf = z
  .object({
    include: field.maybeText(
      'The name for `include:` in your SPF record; null: this gateway has none.',
      'spf.gateway.example',
    ),
    record: field.maybeText(
      'A whole SPF record, for a domain that has none.',
      'v=spf1 include:spf.gateway.example ~all',
    ),
    return_path_domain: field.maybeText(
      'The CNAME of `bounce.` below your domain leads to it; null: this gateway has none.',
    ),
    note: field.text('Whether you need it.'),
  })
  .meta({ id: 'PoolSpf', description: 'The names of this gateway for your DNS records.' })
export type PoolSpf = z.output<typeof PoolSpf>
