import { z } from 'zod'
import type { Target } from '../provider.ts'
import { hasControlCharacter, type Secret, secret } from '../secret.ts'

export type SmtpCredentials = { username?: Secret | undefined; password?: Secret | undefined }
export type SmtpSettings = {
  host: string
  port: number
  tls?: 'implicit' | 'starttls' | 'opportunistic' | 'none' | undefined
  max_connections?: number | undefined
  helo_name?: string | undefined
  allow_insecure?: boolean | undefined
}

export const smtpCredentials = z
  .strictObject({
    username: secret('Name to log in with; leave both out for a server that needs no login').optional(),
    password: secret('Password or API key to log in with').optional(),
  })
  .refine((given) => (given.username === undefined) === (given.password === undefined), {
    message: 'username and password go together',
  })

export const smtpSettings = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .max(253)
      .refine(
        (host) => !hasControlCharacter(host) && !/[\s/@?#\\]/.test(host),
        'must be a host name or an address',
      )
      .describe('Host name of the submission server'),
    port: z.int().min(1).max(65535).describe('587, 465, 2525, 2587 or 2465; 25 is discouraged'),
    tls: z
      .enum(['implicit', 'starttls', 'opportunistic', 'none'])
      .optional()
      .describe('How the connection is encrypted; left out: implicit on 465 and 2465, else starttls'),
    max_connections: z.int().min(1).max(50).optional().describe('Connections kept at most; left out: 20'),
    helo_name: z
      .string()
      .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/)
      .optional()
      .describe('Name to greet the server with; left out: the host name of this machine'),
    allow_insecure: z
      .boolean()
      .optional()
      .describe('Permits no encryption or an unverified certificate, on hosts that the operator listed'),
  })
  .refine((chosen) => chosen.tls !== 'none' || chosen.allow_insecure === true, {
    path: ['tls'],
    message: "'none' needs allow_insecure",
  })

/** The way of encryption in effect. */
export function tlsOf({ tls, port }: SmtpSettings): NonNullable<SmtpSettings['tls']> {
  return tls ?? (port === 465 || port === 2465 ? 'implicit' : 'starttls')
}

/** Where these settings lead; whatever may end up unencrypted only reaches what the operator listed. */
export function smtpTarget({ host, port, allow_insecure }: SmtpSettings): Target {
  return { host, port, scheme: allow_insecure ? 'smtp-plain' : 'smtp' }
}
