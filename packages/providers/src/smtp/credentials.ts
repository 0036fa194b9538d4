import { z } from 'zod'
import { secret } from '../lib/secret.ts'
import { clientId, privateKey } from '../oauth2/tokens.ts'

const oauth2 = z
  .strictObject({
    client_id: clientId.optional().describe('Id of the application'),
    client_secret: secret('Secret of the application').optional(),
    refresh_token: secret('Token that the owner of the mailbox consented to').optional(),
    tenant: z
      .string()
      .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/)
      .optional()
      .describe('Tenant id or domain, for Microsoft 365'),
    client_email: z.email().max(254).optional().describe('`client_email` of a Google service account'),
    private_key: privateKey.optional(),
    scope: z
      .string()
      .regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/)
      .max(1000)
      .optional()
      .describe('Scope to ask for, if not the usual one of the preset'),
  })
  .superRefine((given, context) => {
    const missing = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (given.private_key || given.client_email) {
      if (!given.private_key) missing('private_key', 'goes with client_email')
      if (!given.client_email) missing('client_email', 'goes with private_key')
      for (const other of ['client_id', 'client_secret', 'refresh_token', 'tenant'] as const)
        if (given[other] !== undefined) missing(other, 'does not go with a service account')
    } else {
      if (!given.client_id) missing('client_id', 'is required')
      if (!given.refresh_token && !given.client_secret) missing('client_secret', 'is required')
    }
  })

export const smtpCredentials = z
  .strictObject({
    username: secret(
      'Name to log in with; leave both out for a server that needs no login, this one for a preset that knows it',
    ).optional(),
    password: secret('Password or API key to log in with').optional(),
    oauth2: oauth2.optional().describe('Instead of a password: how to get access tokens for XOAUTH2'),
  })
  .superRefine(({ username, password, oauth2 }, context) => {
    const addIssue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (oauth2 && password) addIssue('password', 'password and oauth2 exclude each other')
    if (oauth2 && !username) addIssue('username', 'oauth2 needs the address of the mailbox')
    if (username && !password && !oauth2) addIssue('password', 'a name needs a password or oauth2')
  })

export type Oauth2Credentials = z.output<typeof oauth2>
export type SmtpCredentials = z.output<typeof smtpCredentials>
