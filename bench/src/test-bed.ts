import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPool, type Pool } from '@lettergate/db/pool'
import {
  createTenant,
  createTenants,
  gatewayEnv,
  migrateDatabase,
  startPart,
  type Tenant,
} from '@lettergate/faults/gateway'
import { freePort } from '@lettergate/faults/ports'
import { createPostgresCluster, type PostgresCluster } from '@lettergate/faults/postgres'
import { type Managed, startProcess, untilListening } from '@lettergate/faults/processes'
import { PUBLIC_URL } from '@lettergate/faults/provider-events'
import { createRedisServer, type RedisServer, redisInstalled } from '@lettergate/faults/redis'

const DAILY_LIMIT = 2_000_000_000
const STATEMENT_TIMEOUT_MS = 600_000
const SMTP_SESSIONS_MAX = '6000'

export type Gateway = {
  apiUrl: string
  databaseUrl: string
  api: Managed
  worker: Managed | undefined
  pool: Pool
  env: Record<string, string>
  createTenant(): Promise<Tenant>
  createTenants(count: number): Promise<Tenant[]>
  /** One more worker, on an empty queue. */
  startWorker(): Promise<Managed & AsyncDisposable>
  /** An SMTP server whose port without AUTH belongs to this tenant. */
  startSmtp(tenant: Tenant): Promise<BenchSmtp & AsyncDisposable>
}

export type BenchSmtp = { process: Managed; openPort: number; tlsPort: number; inboundPort: number }

/** Everything that one bench run starts, and stops again in the reverse order. */
export type TestBed = AsyncDisposable & {
  cluster: PostgresCluster
  redis: RedisServer | undefined
  /** This number, or a tenth of it in a quick run, which shows that everything works and measures nothing. */
  count(whole: number): number
  /** A gateway on an empty database of its own. */
  startGateway(options: { worker: boolean }): Promise<Gateway & AsyncDisposable>
  /** The bare server that accept and status are measured against. */
  startReference(): Promise<{ url: string; server: Managed } & AsyncDisposable>
}

/** A Postgres with initdb's own settings and, where redis-server is installed, a Redis. */
export async function createTestBed({ quick = false } = {}): Promise<TestBed> {
  await using cleanup = new AsyncDisposableStack()
  const cluster = cleanup.adopt(await createPostgresCluster(), (it) => it.destroy())
  const redis = redisInstalled() ? cleanup.adopt(await createRedisServer(), (it) => it.destroy()) : undefined
  const started = cleanup.move()
  let databases = 0
  return {
    cluster,
    redis,
    count: (whole) => (quick ? whole / 10 : whole),
    startGateway: async (options) =>
      startGateway(await cluster.database(`gateway${++databases}`), redis, options),
    startReference: async () => startReference(await cluster.database('reference')),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function startGateway(
  databaseUrl: string,
  redis: RedisServer | undefined,
  options: { worker: boolean },
) {
  await using cleanup = new AsyncDisposableStack()
  await redis?.command('FLUSHALL')
  const dataDir = cleanup.adopt(await mkdtemp(join(tmpdir(), 'lettergate-data-')), (it) =>
    rm(it, { recursive: true }),
  )
  const [apiPort, workerPort] = [await freePort(), await freePort()]
  const env = {
    ...gatewayEnv({ databaseUrl, redisUrl: redis?.url, apiPort, workerPort, dataDir }),
    LETTERGATE_PUBLIC_URL: PUBLIC_URL,
  }
  await migrateDatabase(databaseUrl)
  const api = cleanup.adopt(await startPart('api', env), stop)
  const worker = options.worker ? cleanup.adopt(await startPart('worker', env), stop) : undefined
  const pool = createPool({
    url: databaseUrl,
    max: 2,
    applicationName: 'bench',
    onError: () => undefined,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  cleanup.defer(() => pool.end())
  const started = cleanup.move()
  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    databaseUrl,
    api,
    worker,
    pool,
    env,
    createTenant: () => createTenant(env, DAILY_LIMIT),
    createTenants: (count: number) => createTenants(env, DAILY_LIMIT, count),
    async startWorker() {
      await redis?.command('FLUSHALL')
      const more = await startPart('worker', env)
      return { ...more, [Symbol.asyncDispose]: () => stop(more) }
    },
    startSmtp: (tenant: Tenant) => startSmtp(env, tenant),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function startSmtp(env: Record<string, string>, { tenantId }: Tenant) {
  const [openPort, tlsPort, inboundPort] = [await freePort(), await freePort(), await freePort()]
  const smtp = await startPart('smtp', {
    ...env,
    SMTP_PORT: 'off',
    SMTP_SUBMISSION_PORT: 'off',
    SMTP_TLS_PORT: String(tlsPort),
    SMTP_OPEN_PORT: String(openPort),
    SMTP_OPEN_TENANT: tenantId,
    SMTP_OPEN_NETWORKS: '127.0.0.1',
    SMTP_CONNECTIONS_MAX: SMTP_SESSIONS_MAX,
    SMTP_CONNECTIONS_PER_ADDRESS: SMTP_SESSIONS_MAX,
    SMTP_METRICS_PORT: String(await freePort()),
    INBOUND_PORT: String(inboundPort),
  })
  return { process: smtp, openPort, tlsPort, inboundPort, [Symbol.asyncDispose]: () => stop(smtp) }
}

async function startReference(databaseUrl: string) {
  const port = await freePort()
  const main = fileURLToPath(new URL('./reference-accept.ts', import.meta.url))
  const server = startProcess({
    name: 'reference',
    command: process.execPath,
    args: [main, databaseUrl, String(port)],
  })
  await untilListening(server, port)
  return { url: `http://127.0.0.1:${port}`, server, [Symbol.asyncDispose]: () => stop(server) }
}

async function stop(started: Managed): Promise<void> {
  await started.stop()
}
