import { createSecretKey } from 'node:crypto'
import { resolve } from 'node:path'
import type { z } from 'zod'
import { settings } from './settings.ts'

export type Env = Record<string, string | undefined>

export type SmtpConfig = ReturnType<typeof toSmtp>
export type Config = ReturnType<typeof toConfig>

/** The configuration of api, worker and migrate, which need a database. */
export type ServiceConfig = Config & { databaseUrl: string }

/** Everything that is wrong with the settings, one line each. Values are never repeated: some are secrets. */
export class ConfigError extends Error {
  readonly issues: readonly string[]

  constructor(issues: readonly string[]) {
    super(`The configuration is broken:\n${issues.map((issue) => `  ${issue}`).join('\n')}`)
    this.name = 'ConfigError'
    this.issues = issues
  }
}

function parse(env: Env, required: readonly string[]): Config {
  const given: Env = {}
  // `API_PORT=` in a compose file or a .env means "not set".
  for (const name of Object.keys(settings.shape))
    given[name] = env[name]?.trim() === '' ? undefined : env[name]
  const issues = required.filter((name) => given[name] === undefined).map((name) => `${name}: is required`)
  if (given.LETTERGATE_ENV === 'production' && given.LETTERGATE_SECRET === undefined) {
    issues.push('LETTERGATE_SECRET: is required in production')
  }
  issues.push(...incomplete(given))
  const parsed = settings.safeParse(given)
  if (!parsed.success) {
    issues.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  }
  if (!parsed.success || issues.length > 0) throw new ConfigError(issues)
  return toConfig(parsed.data)
}

/** Settings that mean something only together. */
const groups = [
  ['LETTERGATE_NOTICES_TENANT', 'LETTERGATE_NOTICES_FROM'],
  ['SMTP_TLS_CERT', 'SMTP_TLS_KEY'],
  ['SMTP_OPEN_PORT', 'SMTP_OPEN_TENANT', 'SMTP_OPEN_NETWORKS'],
]

function incomplete(given: Env): string[] {
  return groups.flatMap((names) => {
    const missing = names.filter((name) => given[name] === undefined)
    return missing.length === names.length
      ? []
      : missing.map(
          (name) =>
            `${name}: is required with ${names.filter((one) => given[one] !== undefined).join(' and ')}`,
        )
  })
}

function toNotices(data: z.infer<typeof settings>) {
  const { LETTERGATE_NOTICES_TENANT: tenant, LETTERGATE_NOTICES_FROM: from } = data
  return tenant !== undefined && from !== undefined ? Object.freeze({ tenant, from }) : undefined
}

/** A port that is undefined is off. */
function toSmtp(data: z.infer<typeof settings>) {
  const { SMTP_TLS_CERT: cert, SMTP_TLS_KEY: key, SMTP_OPEN_PORT: port, SMTP_OPEN_TENANT: tenant } = data
  const networks = Object.freeze(data.SMTP_OPEN_NETWORKS ?? [])
  return Object.freeze({
    host: data.SMTP_HOST,
    name: data.SMTP_NAME,
    port: data.SMTP_PORT ?? undefined,
    submissionPort: data.SMTP_SUBMISSION_PORT ?? undefined,
    tlsPort: data.SMTP_TLS_PORT ?? undefined,
    /** Files. */
    certificate: cert !== undefined && key !== undefined ? Object.freeze({ cert, key }) : undefined,
    takesPasswordsWithoutTls: data.SMTP_PASSWORDS_WITHOUT_TLS === 'on',
    trustedProxies: Object.freeze(data.SMTP_TRUSTED_PROXIES ?? []),
    connectionsMax: data.SMTP_CONNECTIONS_MAX,
    connectionsPerAddress: data.SMTP_CONNECTIONS_PER_ADDRESS,
    open: port !== undefined && tenant !== undefined ? Object.freeze({ port, tenant, networks }) : undefined,
    metricsPort: data.SMTP_METRICS_PORT,
  })
}

function toConfig(data: z.infer<typeof settings>) {
  const toKey = (text: string | undefined) =>
    text === undefined ? undefined : createSecretKey(Buffer.from(text))
  return Object.freeze({
    env: data.LETTERGATE_ENV,
    /** Absolute. */
    dataDir: resolve(data.LETTERGATE_DATA_DIR),
    /** Unset in development until `rootSecret` makes one; a KeyObject because it prints as nothing. */
    secret: toKey(data.LETTERGATE_SECRET),
    /** Opens what it sealed, while the root key is being changed. */
    previousSecret: toKey(data.LETTERGATE_SECRET_PREVIOUS),
    logLevel: data.LETTERGATE_LOG_LEVEL,
    egressAllow: Object.freeze(data.LETTERGATE_EGRESS_ALLOW ?? []),
    egressMailPort: data.LETTERGATE_EGRESS_PORT_25 === 'on',
    /** Whether connections to SES without keys use the AWS identity of the process. */
    awsIdentity: data.LETTERGATE_AWS_IDENTITY === 'on',
    /** Where bounces of mail that leaves from here come back to. */
    returnPathDomain: data.LETTERGATE_RETURN_PATH_DOMAIN,
    spfInclude: data.LETTERGATE_SPF_INCLUDE,
    /** Addresses that mail leaves from; none: those of the name. */
    sendingAddresses: Object.freeze(data.LETTERGATE_ADDRESSES ?? []),
    heloName: data.LETTERGATE_HELO_NAME,
    /** Whether several tenants may prove the same domain. */
    sharedDomains: data.LETTERGATE_SHARED_DOMAINS === 'on',
    /** Undefined: no notices are sent. */
    notices: toNotices(data),
    /** Without a slash at its end. */
    publicUrl: data.LETTERGATE_PUBLIC_URL,
    apiHost: data.API_HOST,
    apiPort: data.API_PORT,
    apiMetricsPort: data.API_METRICS_PORT,
    apiKeepAliveSeconds: data.API_KEEP_ALIVE_SECONDS,
    apiTrustedProxies: Object.freeze(data.API_TRUSTED_PROXIES ?? []),
    workerMetricsPort: data.WORKER_METRICS_PORT,
    smtp: toSmtp(data),
    feedDays: data.LETTERGATE_FEED_DAYS,
    inboundDomain: data.LETTERGATE_INBOUND_DOMAIN,
    inboundDays: data.LETTERGATE_INBOUND_DAYS,
    inboundHost: data.INBOUND_HOST,
    /** Undefined: inbound mail is off. */
    inboundPort: data.INBOUND_PORT ?? undefined,
    /** Whether old messages are deleted. */
    retention: data.LETTERGATE_RETENTION === 'on',
    databaseUrl: data.DATABASE_URL,
    redisUrl: data.REDIS_URL,
    failpoint: data.LETTERGATE_ENV === 'production' ? undefined : data.LG_FAILPOINT,
  })
}

/** Reads the settings once; throws a `ConfigError` that names every fault together. */
export function loadConfig(env: Env = process.env): Config {
  return parse(env, [])
}

/** As `loadConfig`, for a process that needs a database to do anything. */
export function loadServiceConfig(env: Env = process.env): ServiceConfig {
  const config = parse(env, ['DATABASE_URL'])
  if (config.databaseUrl === undefined) throw new ConfigError(['DATABASE_URL: is required'])
  return Object.freeze({ ...config, databaseUrl: config.databaseUrl })
}
