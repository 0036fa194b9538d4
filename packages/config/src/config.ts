import { createSecretKey, type KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import type { z } from 'zod'
import { settings } from './settings.ts'

export type Env = Record<string, string | undefined>

export type Config = {
  env: 'development' | 'production'
  /** Absolute. */
  dataDir: string
  /** Unset in development until `rootSecret` makes one; a KeyObject because it prints as nothing. */
  secret: KeyObject | undefined
  /** Opens what it sealed, while the root key is being changed. */
  previousSecret: KeyObject | undefined
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  egressAllow: readonly string[]
  egressMailPort: boolean
  /** Whether connections to SES without keys use the AWS identity of the process. */
  awsIdentity: boolean
  /** Where bounces of mail that leaves from here come back to. */
  returnPathDomain: string | undefined
  spfInclude: string | undefined
  /** Addresses that mail leaves from; none: those of the name. */
  sendingAddresses: readonly string[]
  heloName: string | undefined
  /** Whether several tenants may prove the same domain. */
  sharedDomains: boolean
  /** Without a slash at its end. */
  publicUrl: string | undefined
  apiHost: string
  apiPort: number
  apiMetricsPort: number | undefined
  apiKeepAliveSeconds: number
  apiTrustedProxies: readonly string[]
  workerMetricsPort: number | undefined
  smtp: SmtpConfig
  feedDays: number
  inboundDomain: string
  inboundDays: number
  inboundHost: string
  /** Undefined: inbound mail is off. */
  inboundPort: number | undefined
  /** Whether old messages are deleted. */
  retention: boolean
  databaseUrl: string | undefined
  redisUrl: string | undefined
  failpoint: string | undefined
}

/** A port that is undefined is off. */
export type SmtpConfig = {
  host: string
  name: string | undefined
  port: number | undefined
  submissionPort: number | undefined
  tlsPort: number | undefined
  /** Files. */
  certificate: { cert: string; key: string } | undefined
  takesPasswordsWithoutTls: boolean
  trustedProxies: readonly string[]
  connectionsMax: number
  connectionsPerAddress: number
  open: { port: number; tenant: string; networks: readonly string[] } | undefined
  metricsPort: number | undefined
}

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

function toSmtp(data: z.infer<typeof settings>): SmtpConfig {
  const { SMTP_TLS_CERT: cert, SMTP_TLS_KEY: key, SMTP_OPEN_PORT: port, SMTP_OPEN_TENANT: tenant } = data
  const networks = Object.freeze(data.SMTP_OPEN_NETWORKS ?? [])
  return Object.freeze({
    host: data.SMTP_HOST,
    name: data.SMTP_NAME,
    port: data.SMTP_PORT ?? undefined,
    submissionPort: data.SMTP_SUBMISSION_PORT ?? undefined,
    tlsPort: data.SMTP_TLS_PORT ?? undefined,
    certificate: cert !== undefined && key !== undefined ? Object.freeze({ cert, key }) : undefined,
    takesPasswordsWithoutTls: data.SMTP_PASSWORDS_WITHOUT_TLS === 'on',
    trustedProxies: Object.freeze(data.SMTP_TRUSTED_PROXIES ?? []),
    connectionsMax: data.SMTP_CONNECTIONS_MAX,
    connectionsPerAddress: data.SMTP_CONNECTIONS_PER_ADDRESS,
    open: port !== undefined && tenant !== undefined ? Object.freeze({ port, tenant, networks }) : undefined,
    metricsPort: data.SMTP_METRICS_PORT,
  })
}

function toConfig(data: z.infer<typeof settings>): Config {
  const toKey = (text: string | undefined) =>
    text === undefined ? undefined : createSecretKey(Buffer.from(text))
  return Object.freeze({
    env: data.LETTERGATE_ENV,
    dataDir: resolve(data.LETTERGATE_DATA_DIR),
    secret: toKey(data.LETTERGATE_SECRET),
    previousSecret: toKey(data.LETTERGATE_SECRET_PREVIOUS),
    logLevel: data.LETTERGATE_LOG_LEVEL,
    egressAllow: Object.freeze(data.LETTERGATE_EGRESS_ALLOW ?? []),
    egressMailPort: data.LETTERGATE_EGRESS_PORT_25 === 'on',
    awsIdentity: data.LETTERGATE_AWS_IDENTITY === 'on',
    returnPathDomain: data.LETTERGATE_RETURN_PATH_DOMAIN,
    spfInclude: data.LETTERGATE_SPF_INCLUDE,
    sendingAddresses: Object.freeze(data.LETTERGATE_ADDRESSES ?? []),
    heloName: data.LETTERGATE_HELO_NAME,
    sharedDomains: data.LETTERGATE_SHARED_DOMAINS === 'on',
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
    inboundPort: data.INBOUND_PORT ?? undefined,
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
