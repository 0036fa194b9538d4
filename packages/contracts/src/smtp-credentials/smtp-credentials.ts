import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { fromPublicId, toPublicId } from '../lib/ids.ts'
import { programs } from './program-settings.ts'

export const SMTP_CREDENTIALS_MAX = 100
const listMax = 50

/** A user name says which row: `lgu_` and the id's own letters. */
export function smtpUserName(id: string): string {
  return toPublicId('smc', id).replace('smc_', 'lgu_')
}

/** Null: nobody was ever given this user name. */
export function fromSmtpUserName(userName: string): string | null {
  return userName.startsWith('lgu_') ? fromPublicId('smc', `smc_${userName.slice(4)}`) : null
}

const domain = z
  .string()
  .max(253)
  .regex(
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
    'is no domain in lower case, such as acme.example',
  )

const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'is no address or CIDR, such as 10.0.0.0/8',
})

const fields = {
  name: z
    .string()
    .max(200)
    .meta({ description: 'A text of your own.', examples: ['web shop'] }),
  scopes: z
    .array(z.enum(['messages:send']))
    .min(1)
    .max(1)
    .meta({
      description: 'Scopes of the login. There is one.',
    }),
  from_domains: z.array(domain).max(listMax).meta({
    description: 'Domains that the `From` of a mail may have; empty: every domain that your tenant may use.',
  }),
  networks: z
    .array(network)
    .max(listMax)
    .meta({
      description: 'Addresses and CIDRs from which the login works; empty: all.',
      examples: [['203.0.113.0/24']],
    }),
}

export const CreateSmtpCredentialRequest = z
  .strictObject({
    name: fields.name.default(''),
    scopes: fields.scopes.default(['messages:send']),
    from_domains: fields.from_domains.default([]),
    networks: fields.networks.default([]),
  })
  .meta({ id: 'CreateSmtpCredentialRequest', description: 'A login for a program that sends by SMTP.' })
export type CreateSmtpCredentialRequest = z.output<typeof CreateSmtpCredentialRequest>

export const UpdateSmtpCredentialRequest = field
  .changeOf({
    name: fields.name,
    from_domains: fields.from_domains,
    networks: fields.networks,
    revoked: z
      .literal(true)
      .meta({ description: 'The login ends for good, everywhere within five seconds.' }),
  })
  .meta({
    id: 'UpdateSmtpCredentialRequest',
    description: 'Changes to a login. Fields left out stay as they are.',
  })
export type UpdateSmtpCredentialRequest = z.output<typeof UpdateSmtpCredentialRequest>

export const SmtpCredential = z
  .object({
    id: field.id('smc', 'Id of the login.'),
    username: field.text('The user name.', 'lgu_01m7wa5yjwe1qr5m7w1gzh99cc'),
    name: field.text('Your text.'),
    mode: z.enum(['live', 'test']).meta({ description: 'As the key that made it: `test` sends nothing.' }),
    scopes: field.texts('Scopes of the login.'),
    from_domains: field.texts('Domains that `From` may have; empty: all of yours.'),
    networks: field.texts('Addresses from which it works; empty: all.'),
    last_used_at: field.maybeTime('When it was last used, to the minute; null: never.'),
    revoked_at: field.maybeTime('When it was revoked; null: it works.'),
    created_at: field.time('When it was made.'),
    updated_at: field.time('When it was last changed.'),
  })
  .meta({ id: 'SmtpCredential', description: 'A login for a program that sends by SMTP.' })
export type SmtpCredential = z.output<typeof SmtpCredential>

export const SmtpCredentialCreated = SmtpCredential.extend({
  secret: field.text(
    'The password. Shown only here: store it as you store a password.',
    '7Vd0mJ2pQ9sLx4TnBz6KcRfYhWgAeUo1',
  ),
}).meta({ id: 'SmtpCredentialCreated', description: 'The login, with its password.' })
export type SmtpCredentialCreated = z.output<typeof SmtpCredentialCreated>

export const SmtpCredentialList = field
  .listOf(SmtpCredential, 'In the order in which they were made.')
  .meta({ id: 'SmtpCredentialList', description: 'All logins.' })
export type SmtpCredentialList = z.output<typeof SmtpCredentialList>

export const SmtpSettings = z
  .object({
    host: field.text('The server.'),
    ports: z
      .object({
        starttls: z.array(z.int()).meta({ description: 'Ports with STARTTLS.' }),
        tls: z.array(z.int()).meta({ description: 'Ports with TLS from the first byte.' }),
      })
      .meta({ description: 'The ports.' }),
    username: field.text('The user name.'),
    programs: z
      .array(
        z.object({
          program: z.enum(programs.map(({ id }) => id)).meta({ description: 'Name of the program.' }),
          title: field.text('Its name for people.'),
          file: field.text('Where the text belongs.'),
          text: field.text('The settings; write the password in place of `YOUR_PASSWORD`.'),
        }),
      )
      .meta({ description: 'Settings to copy, one for each program.' }),
  })
  .meta({ id: 'SmtpSettings', description: 'How programs use this login.' })
export type SmtpSettings = z.output<typeof SmtpSettings>
