import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { childEnv } from './child-env.ts'
import { ConfigError, type Env, loadConfig, loadServiceConfig } from './config.ts'
import { envExample } from './env-example.ts'
import { rootSecret } from './root-secret.ts'

const SECRET = 'canary-0123456789-0123456789-0123456789'
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'lg-config-'))
  folders.push(made)
  return made
}

function issuesOf(env: Env, load: (env: Env) => unknown = loadConfig): readonly string[] {
  try {
    load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.issues
    throw error
  }
  return []
}

test('without settings the configuration has the documented development defaults', () => {
  expect(loadConfig({})).toEqual({
    env: 'development',
    dataDir: resolve('.lettergate'),
    logLevel: 'info',
    egressAllow: [],
    egressMailPort: false,
    awsIdentity: false,
    sendingAddresses: [],
    sharedDomains: false,
    apiHost: '127.0.0.1',
    apiPort: 3000,
    apiKeepAliveSeconds: 72,
    apiTrustedProxies: [],
    smtp: {
      host: '127.0.0.1',
      port: 2525,
      submissionPort: 2587,
      tlsPort: 2465,
      takesPasswordsWithoutTls: false,
      trustedProxies: [],
      connectionsMax: 3_000,
      connectionsPerAddress: 200,
    },
    feedDays: 30,
    inboundDomain: 'inbound.lettergate.example',
    inboundDays: 30,
    inboundHost: '127.0.0.1',
    inboundPort: 2526,
    retention: true,
  })
})

test('ports of SMTP can be turned off, and settings that need each other are asked for together', () => {
  const { smtp } = loadConfig({ SMTP_PORT: 'off', SMTP_TLS_PORT: '465' })
  expect([smtp.port, smtp.submissionPort, smtp.tlsPort]).toEqual([undefined, 2587, 465])
  expect(issuesOf({ SMTP_TLS_CERT: '/a' })).toEqual(['SMTP_TLS_KEY: is required with SMTP_TLS_CERT'])
  expect(issuesOf({ SMTP_OPEN_PORT: '2500' })).toEqual([
    'SMTP_OPEN_TENANT: is required with SMTP_OPEN_PORT',
    'SMTP_OPEN_NETWORKS: is required with SMTP_OPEN_PORT',
  ])
})

test('the public address may have a path, and loses the slash at its end', () => {
  const publicUrlOf = (text: string) => loadConfig({ LETTERGATE_PUBLIC_URL: text }).publicUrl
  expect(publicUrlOf('https://mail.example.com')).toBe('https://mail.example.com')
  expect(publicUrlOf('https://Mail.Example.com:8443/gateway/')).toBe('https://mail.example.com:8443/gateway')
  for (const wrong of ['mail.example.com', 'ftp://x', 'https://a:b@x', 'https://x/?a=1', 'https://x/#a'])
    expect(() => publicUrlOf(wrong), wrong).toThrow('LETTERGATE_PUBLIC_URL')
})

test('all faults are told together, one line each, without the values', () => {
  const env = {
    API_PORT: 'canary',
    API_KEEP_ALIVE_SECONDS: '0',
    API_METRICS_PORT: '70000',
    API_TRUSTED_PROXIES: '10.0.0.0/8,canary.internal',
    WORKER_METRICS_PORT: '70000',
    DATABASE_URL: 'mysql://canary@host/db',
    REDIS_URL: 'canary',
    LETTERGATE_SECRET: 'canary',
    LETTERGATE_LOG_LEVEL: 'canary',
    LETTERGATE_EGRESS_ALLOW: '10.0.0.0/8,10.0.0.0/99',
  }
  const issues = issuesOf(env)
  expect(issues.map((fault) => fault.split(':')[0])).toEqual(expect.arrayContaining(Object.keys(env)))
  expect(issues).toHaveLength(Object.keys(env).length)
  expect(new ConfigError(issues).message).not.toContain('canary')
  expect(new ConfigError(issues).message.split('\n')).toHaveLength(issues.length + 1)
})

test('an empty string counts as not set', () => {
  expect(loadConfig({ API_PORT: '', DATABASE_URL: ' ', LETTERGATE_SECRET: '' })).toEqual(loadConfig({}))
})

test('production requires a secret; a service requires a database; both are reported together', () => {
  expect(issuesOf({ LETTERGATE_ENV: 'production' }, loadServiceConfig)).toEqual([
    'DATABASE_URL: is required',
    'LETTERGATE_SECRET: is required in production',
  ])
})

test('the secret cannot be printed', () => {
  const config = loadConfig({ LETTERGATE_SECRET: SECRET })
  expect(`${inspect(config, { depth: 9, showHidden: true })}${JSON.stringify(config)}`).not.toContain(
    'canary',
  )
  expect(config.secret?.export().toString()).toBe(SECRET)
})

test('the configuration cannot be changed after reading', () => {
  const config = loadConfig({ LETTERGATE_EGRESS_ALLOW: '10.0.0.0/8, ::1, mail.internal:2525' })
  expect(Object.isFrozen(config) && Object.isFrozen(config.egressAllow)).toBe(true)
  expect(config.egressAllow).toEqual(['10.0.0.0/8', '::1', 'mail.internal:2525'])
})

test('a fail point is ignored in production', () => {
  const env = { LG_FAILPOINT: 'x:kill9:1/1', LETTERGATE_SECRET: SECRET }
  expect(loadConfig(env).failpoint).toBe('x:kill9:1/1')
  expect(loadConfig({ ...env, LETTERGATE_ENV: 'production' }).failpoint).toBeUndefined()
})

test('in development the secret is created once, kept private, and the same for every process', () => {
  const config = loadConfig({ LETTERGATE_DATA_DIR: join(folder(), 'data') })
  const first = rootSecret(config)
  expect(rootSecret(config).equals(first)).toBe(true)
  expect(statSync(join(config.dataDir, 'secret')).mode & 0o777).toBe(0o600)
})

test('a given secret is used unchanged, and nothing is written', () => {
  const config = loadConfig({ LETTERGATE_DATA_DIR: join(folder(), 'data'), LETTERGATE_SECRET: SECRET })
  expect(rootSecret(config).export().toString()).toBe(SECRET)
  expect(() => statSync(config.dataDir)).toThrow('ENOENT')
})

test('.env.example is the text that the settings table gives', () => {
  expect(readFileSync(resolve(import.meta.dirname, '../../../.env.example'), 'utf8')).toBe(envExample())
})

test('a child process gets our environment with the overrides, and without the removed variables', () => {
  expect(childEnv({ A: '2', B: undefined }, { A: '1', B: '1', C: '1' })).toEqual({ A: '2', C: '1' })
})
