import { z } from 'zod'
import { Secret } from '../lib/secret.ts'
import type { SigningKey, Target } from '../provider.ts'
import { heloName, hostName } from '../smtp/settings.ts'

export type DkimKey = SigningKey

const keyBytesMax = 4096
const pem = /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----\s[A-Za-z0-9+/=\s]+-----END \1PRIVATE KEY-----\s*$/
const oneLine = /^[\x21-\x7e]+$/
const domainName = z.string().regex(/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/)

const privateKey = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= keyBytesMax, `must be at most ${keyBytesMax} bytes`)
  .transform((text) => text.replaceAll('\\n', '\n'))
  .refine((text) => pem.test(text) || oneLine.test(text), 'must be a private key in PEM form')
  .transform((text) => new Secret(text))
  .describe('RSA or Ed25519 key in PEM form (line ends may be written `\\n`), or its base64 on one line')

export const directCredentials = z.strictObject({
  dkim: z
    .array(
      z.strictObject({
        domain: domainName.describe('Domain to sign for'),
        selector: z
          .string()
          .regex(
            /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
          )
          .max(253)
          .describe('Name of the key in the DNS, before ._domainkey'),
        private_key: privateKey,
      }),
    )
    .max(20)
    .optional()
    .describe('Keys to sign with: those of the domain in From, or of a domain above it'),
})

export const directSettings = z.strictObject({
  helo_name: heloName
    .refine((name) => name.includes('.'), 'must be a whole host name')
    .describe('Name of this installation in the DNS; it and its reverse record are looked at by receivers'),
  tls: z
    .enum(['opportunistic', 'required'])
    .optional()
    .describe('Whether mail may go out unencrypted to servers that offer no TLS; left out: it may'),
  dane: z
    .boolean()
    .optional()
    .describe('Obeys TLSA records: only where the name servers of this machine validate DNSSEC'),
  max_connections: z
    .int()
    .min(1)
    .max(20)
    .optional()
    .describe('Connections at once at most to the servers of one domain, for each worker; left out: 5'),
  check_domain: domainName
    .optional()
    .describe('Domain of one’s own whose mail server is greeted when the connection is checked'),
  instead_of_mx: z
    .strictObject({ host: hostName, port: z.int().min(1).max(65535) })
    .optional()
    .describe('Takes all mail to this server instead of looking anything up: for tests and mail traps'),
})

export type DirectCredentials = z.output<typeof directCredentials>
export type DirectSettings = z.output<typeof directSettings>

/** A placeholder for the mail hosts of domains, which are looked up and pass the guard one by one: all of them are reached on this port. */
const SOME_MAIL_HOST: Target = { host: 'mail-host-of-a-recipient.example', port: 25, scheme: 'smtp' }

/** Where these settings lead. */
export function directTargets({ instead_of_mx: instead }: DirectSettings): Target[] {
  return [instead ? { ...instead, scheme: 'smtp' } : SOME_MAIL_HOST]
}
