import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { loadServiceConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { deriveKey } from '@lettergate/core/secrets'
import { createTenant as makeTenant } from '@lettergate/core/tenants'
import { migrate } from '@lettergate/db/migrate'
import { createPool, type Pool } from '@lettergate/db/pool'
import { createOperatorPrisma } from '@lettergate/db/prisma'
import { waitUntil } from './ports.ts'
import { type Managed, startProcess } from './processes.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** As in package.json. */
const NODE_COMPILE_CACHE = 'node_modules/.cache/node'

/** The addresses by which the processes of Lettergate find each other. */
export type GatewayPlace = {
  databaseUrl: string
  redisUrl?: string | undefined
  apiPort: number
  workerPort: number
  dataDir: string
}

/** The environment of api, worker and command line, the same for all of them. */
export function gatewayEnv(
  place: GatewayPlace,
  secret = randomBytes(32).toString('hex'),
): Record<string, string> {
  return {
    LETTERGATE_ENV: 'development',
    LETTERGATE_SECRET: secret,
    LETTERGATE_LOG_LEVEL: 'warn',
    LETTERGATE_EGRESS_ALLOW: '127.0.0.1',
    LETTERGATE_DATA_DIR: place.dataDir,
    DATABASE_URL: place.databaseUrl,
    API_PORT: String(place.apiPort),
    WORKER_METRICS_PORT: String(place.workerPort),
    ...(place.redisUrl === undefined ? {} : { REDIS_URL: place.redisUrl }),
  }
}

export type Part = 'api' | 'worker' | 'smtp'

/** As in package.json. */
const NODE_ARGS: Record<Part, string[]> = {
  api: ['--max-semi-space-size=16'],
  worker: ['--max-semi-space-size=32'],
  smtp: [],
}

/** The setting with the port of a part's /readyz. */
const READINESS_PORTS: Record<Part, string> = {
  api: 'API_PORT',
  worker: 'WORKER_METRICS_PORT',
  smtp: 'SMTP_METRICS_PORT',
}

/** Starts a real process of the gateway and waits until it says that it is ready. */
export async function startPart(part: Part, env: Record<string, string>): Promise<Managed> {
  const started = startProcess({
    name: part,
    command: process.execPath,
    args: [...NODE_ARGS[part], `apps/${part}/src/main.ts`],
    env: { MALLOC_ARENA_MAX: '2', NODE_COMPILE_CACHE, ...env },
    cwd: ROOT,
  })
  const port = env[READINESS_PORTS[part]]
  await waitUntil(`the ${part} to be ready`, 60_000, async () => {
    if (!started.running()) return true
    return await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.ok,
      () => false,
    )
  })
  return started
}

/** Runs one command of the command line and answers what it printed. */
export async function runCommand(args: string[], env: Record<string, string>): Promise<string> {
  const command = startProcess({
    name: args.join(' '),
    command: process.execPath,
    args: ['apps/lettergate/src/main.ts', ...args],
    env: { NODE_COMPILE_CACHE, ...env },
    cwd: ROOT,
  })
  const { code } = await command.exited
  if (code !== 0) throw new Error(`lettergate ${args.join(' ')} failed: ${command.output()}`)
  return command.output()
}

export type Tenant = { tenantId: string; apiKey: string }

async function withPool<T>(url: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ url, max: 1, applicationName: 'faults', onError: () => undefined })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

/** As `lettergate migrate`, without a process for it: each test has a database of its own. */
export async function migrateDatabase(url: string): Promise<void> {
  await withPool(url, migrate)
}

/** As `lettergate tenant create`, without a process for it: some tests make fifty. */
export async function createTenant(env: Record<string, string>, dailyLimit: number): Promise<Tenant> {
  const [tenant] = await createTenants(env, dailyLimit, 1)
  if (!tenant) throw new Error('no tenant was made')
  return tenant
}

export function createTenants(
  env: Record<string, string>,
  dailyLimit: number,
  count: number,
): Promise<Tenant[]> {
  const config = loadServiceConfig(env)
  return withPool(config.databaseUrl, async (pool) => {
    const deps = {
      operator: createOperatorPrisma(pool),
      pepper: deriveKey(rootSecret(config), 'api key pepper'),
    }
    const tenants: Tenant[] = []
    for (let index = 0; index < count; index++) {
      const made = await makeTenant(deps, { name: 'Fault test', plan: 'scale', dailyLimit })
      tenants.push({ tenantId: toPublicId('ten', made.tenantId), apiKey: made.liveKey })
    }
    // Faults are about mail: the load of one key must not meet the limit of its plan.
    await pool.query({ text: 'update plan set requests_per_second = null', values: [] })
    return tenants
  })
}

/** The fields that a tenant gives for a connection. */
export type ConnectionBody = { provider: string; credentials: object; settings: object; priority?: number }

/** As many as a connection may have. */
export const SMTP_SESSIONS_MAX = 50

/** Makes a connection as a tenant would, and answers its id. */
export function createConnection(
  apiUrl: string,
  apiKey: string,
  connection: ConnectionBody,
): Promise<string> {
  return create(`${apiUrl}/v1/connections`, apiKey, { name: connection.provider, ...connection })
}

/** Makes a connection of the shared pool as the operator would. */
export function createPoolConnection(
  apiUrl: string,
  adminKey: string,
  connection: ConnectionBody,
): Promise<string> {
  return create(`${apiUrl}/v1/admin/pool`, adminKey, { name: 'Pool', ...connection })
}

/** Makes a route that shares a tenant's mail out to these connections alike. */
export function createRoute(apiUrl: string, apiKey: string, connections: readonly string[]): Promise<string> {
  const targets = connections.map((connection) => ({ connection, weight: 1 }))
  return create(`${apiUrl}/v1/routes`, apiKey, { name: 'Shared', position: 1, strategy: 'weighted', targets })
}

async function create(url: string, apiKey: string, body: object): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} refused: ${response.status} ${await response.text()}`)
  const made: { id: string } = JSON.parse(await response.text())
  return made.id
}

/** An SES connection to the fake provider. */
export function sesConnection(providerUrl: string): ConnectionBody {
  return {
    provider: 'ses',
    credentials: { access_key_id: 'AKIDFAKE', secret_access_key: 'fake-secret' },
    settings: { region: 'eu-west-1', base_url: providerUrl },
  }
}

/** A Resend connection to the fake provider. */
export function resendConnection(providerUrl: string): ConnectionBody {
  return { provider: 'resend', credentials: { api_key: 're_fake' }, settings: { base_url: providerUrl } }
}

/** An SMTP connection to the fake SMTP server, which offers no encryption. */
export function smtpConnection(port: number): ConnectionBody {
  const settings = {
    host: '127.0.0.1',
    port,
    tls: 'none',
    allow_insecure: true,
    helo_name: 'gateway.example',
    // Waits for a connection that broken clients hold are not measured here.
    max_connections: SMTP_SESSIONS_MAX,
  }
  return { provider: 'smtp', credentials: { username: 'gateway', password: 'fake-secret' }, settings }
}
