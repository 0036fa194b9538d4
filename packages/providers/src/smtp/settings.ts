import { z } from 'zod'
import { baseUrl, urlTarget } from '../lib/http.ts'
import { hasControlCharacter } from '../lib/secret.ts'
import type { Target } from '../provider.ts'
import { presetNames, presets, type TlsMode } from './presets.ts'

export const hostName = z
  .string()
  .min(1)
  .max(253)
  .refine(
    (host) => !hasControlCharacter(host) && !/[\s/@?#\\]/.test(host),
    'must be a host name or an address',
  )

export const heloName = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/)

const fields = z.strictObject({
  preset: z.enum(presetNames).optional().describe('A provider whose host, ports and TLS are known'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]{2,10}){1,3}-\d{1,2}$/)
    .optional()
    .describe('Region of the account, for the preset ses'),
  host: hostName.optional().describe('Host name of the submission server; a preset knows its own'),
  port: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe('587, 465, 2525, 2587 or 2465; 25 is discouraged; a preset knows its own'),
  tls: z
    .enum(['implicit', 'starttls', 'opportunistic', 'none'])
    .optional()
    .describe(
      'How the connection is encrypted (opportunistic: only if the server offers it); left out: implicit on 465 and 2465, else starttls',
    ),
  token_url: baseUrl
    .optional()
    .describe('Where access tokens for XOAUTH2 come from; gmail and microsoft365 know their own'),
  max_connections: z
    .int()
    .min(1)
    .max(50)
    .optional()
    .describe('Connections at once at most, over all workers; left out: 20'),
  helo_name: heloName
    .optional()
    .describe('Name to greet the server with; left out: the host name of this machine'),
  allow_insecure: z
    .boolean()
    .optional()
    .describe(
      'Permits tls none, a login without encryption and an unverified certificate, on hosts that the operator listed',
    ),
})

export type SmtpSettings = z.output<typeof fields>

export const smtpSettings = fields.superRefine((chosen, context) => {
  for (const { path, message } of issuesOf(chosen)) context.addIssue({ code: 'custom', path, message })
})

function issuesOf(chosen: SmtpSettings): { path: string[]; message: string }[] {
  const { preset: name, region, host, port, tls, allow_insecure } = chosen
  const preset = name && presets[name]
  const usual = preset?.ports.find((one) => one.port === port)
  const known = preset?.ports.map((one) => one.port).join(', ')
  const issues: [boolean, string, string][] = [
    [tls === 'none' && allow_insecure !== true, 'tls', "'none' needs allow_insecure"],
    [!preset && host === undefined, 'host', 'is required without a preset'],
    [!preset && port === undefined, 'port', 'is required without a preset'],
    [region !== undefined && name !== 'ses', 'region', 'belongs to the preset ses only'],
    [region === undefined && name === 'ses' && !host, 'region', 'is required with the preset ses'],
    // An explicit host overrides the preset.
    [!!preset && !host && port !== undefined && !usual, 'port', `${name} is reached on ${known}`],
    [
      !host && usual !== undefined && tls !== undefined && tls !== usual.tls,
      'tls',
      `${name} speaks ${usual?.tls} on ${port}`,
    ],
  ]
  return issues.flatMap(([wrong, path, message]) => (wrong ? [{ path: [path], message }] : []))
}

/** The server that the settings lead to. */
export function endpointOf(settings: SmtpSettings): { host: string; port: number; tls: TlsMode } {
  const { preset: name, region = '', tls } = settings
  const preset = name && presets[name]
  const host = settings.host ?? preset?.host.replace('{region}', region) ?? ''
  const port = settings.port ?? preset?.ports.find((one) => tls === undefined || one.tls === tls)?.port ?? 587
  return { host, port, tls: tls ?? (port === 465 || port === 2465 ? 'implicit' : 'starttls') }
}

/** The address of the token host; empty when it is unknown. `{tenant}` is replaced by the value of the credentials. */
export function tokenUrlOf({ preset, token_url }: SmtpSettings): string {
  return token_url ?? (preset && presets[preset].oauth2?.tokenUrl) ?? ''
}

/**
 * The server alone. The permissions of `allow_insecure` (no encryption at all, a password without it, an untrusted certificate) only
 * apply to hosts that the operator listed. `opportunistic` alone reaches any host: it sends no password unencrypted, but a message, if the
 * server or an attacker on the way says that there is no TLS.
 */
export function smtpTarget(settings: SmtpSettings): Target {
  const { host, port } = endpointOf(settings)
  return { host, port, scheme: settings.allow_insecure ? 'smtp-plain' : 'smtp' }
}

/** Where these settings lead. */
export function smtpTargets(settings: SmtpSettings): Target[] {
  const tokenUrl = tokenUrlOf(settings)
  return [smtpTarget(settings), ...(tokenUrl ? [urlTarget(tokenUrl)] : [])]
}
