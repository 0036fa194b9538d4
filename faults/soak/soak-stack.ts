import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool, type Pool } from '@lettergate/db/pool'
import { type Client, createClient } from '../src/client.ts'
import type { ClientAnswer } from '../src/client-ledger.ts'
import {
  createConnection,
  createTenant,
  gatewayEnv,
  migrateDatabase,
  sesConnection,
  startPart,
  type Tenant,
} from '../src/gateway.ts'
import { freePort } from '../src/ports.ts'
import { createPostgresCluster, type PostgresCluster } from '../src/postgres.ts'
import { type ProviderProcess, startProvider } from '../src/provider-process.ts'
import { createRedisServer, type RedisServer, redisInstalled } from '../src/redis.ts'
import { type Supervised, supervise } from '../src/supervisor.ts'
import { createSoakLedger, type SoakLedger } from './soak-ledger.ts'

/** A supervised process and the address of its metrics. */
export type Part = Supervised & { name: string; metricsUrl: string }

export type SoakStack = AsyncDisposable & {
  cluster: PostgresCluster
  redis: RedisServer | undefined
  provider: ProviderProcess
  ledgerFile: string
  databaseUrl: string
  api: Part
  workers: Part[]
  /** The harness's own eyes: no part of the gateway uses this pool. */
  pool: Pool
  tenants: Tenant[]
  ledger: SoakLedger
  /** One for each tenant. */
  clients: Client[]
}

const WORKERS = 2
/** The latency of a provider nearby; enough that a killed worker has calls in progress. */
const PROVIDER_LATENCY_MS = 20
const CONNECTIONS = 48
const RETRY_MS = 500
const JITTER_MS = 500

/** A careful client repeats at the time of Retry-After, and clients do not repeat all together. */
function repeatAfterMs(answer: ClientAnswer | undefined): number {
  return Math.max(RETRY_MS, Number(answer?.retryAfter ?? 0) * 1_000) + Math.random() * JITTER_MS
}

/** Api and two workers as an operator runs them, with nothing done for them but to start what has died. */
export async function startSoakStack(limits: readonly number[]): Promise<SoakStack> {
  await using cleanup = new AsyncDisposableStack()
  const cluster = cleanup.adopt(await createPostgresCluster(), (it) => it.destroy())
  const redis = redisInstalled()
    ? cleanup.adopt(await createRedisServer({ aof: true }), (it) => it.destroy())
    : undefined
  const folder = cleanup.adopt(await mkdtemp(join(tmpdir(), 'lettergate-soak-')), (it) =>
    rm(it, { recursive: true }),
  )
  const ledgerFile = join(folder, 'provider-ledger')
  const provider = cleanup.adopt(await startProvider({ latencyMs: PROVIDER_LATENCY_MS, ledgerFile }), (it) =>
    it.stop(),
  )
  const databaseUrl = await cluster.database('lettergate')
  const [apiPort, metricsPort = 0, ...workerPorts] = await freePorts(2 + WORKERS)
  const place = { databaseUrl, redisUrl: redis?.url, apiPort, dataDir: folder }
  const env = gatewayEnv({ ...place, workerPort: 0 })
  await migrateDatabase(databaseUrl)
  const pool = createPool({
    url: databaseUrl,
    max: 3,
    applicationName: 'faults',
    onError: () => undefined,
    statementTimeoutMs: 120_000,
  })
  cleanup.defer(() => pool.end())
  const tenants: Tenant[] = []
  for (const limit of limits) tenants.push(await createTenant(env, limit))
  const start = (name: 'api' | 'worker', port: number, partEnv: Record<string, string>) =>
    superviseFor(cleanup, name, port, partEnv)
  const api = await start('api', metricsPort, { ...env, API_METRICS_PORT: String(metricsPort) })
  const apiUrl = `http://127.0.0.1:${apiPort}`
  for (const { apiKey } of tenants) await createConnection(apiUrl, apiKey, sesConnection(provider.url))
  const workers: Part[] = []
  for (const port of workerPorts)
    workers.push(await start('worker', port, { ...env, WORKER_METRICS_PORT: String(port) }))
  const ledger = createSoakLedger()
  const clients = tenants.map(({ apiKey }) =>
    createClient({ url: apiUrl, apiKey, ledger, connections: CONNECTIONS, repeatAfterMs }),
  )
  cleanup.defer(() => {
    for (const client of clients) client.close()
  })
  const started = cleanup.move()
  return {
    cluster,
    redis,
    provider,
    ledgerFile,
    databaseUrl,
    api,
    workers,
    pool,
    tenants,
    ledger,
    clients,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function freePorts(count: number): Promise<[number, ...number[]]> {
  const ports: [number, ...number[]] = [await freePort()]
  while (ports.length < count) ports.push(await freePort())
  return ports
}

async function superviseFor(
  cleanup: AsyncDisposableStack,
  name: 'api' | 'worker',
  port: number,
  env: Record<string, string>,
): Promise<Part> {
  const supervised = cleanup.adopt(await supervise({ start: () => startPart(name, env) }), (it) => it.stop())
  return { ...supervised, name, metricsUrl: `http://127.0.0.1:${port}/metrics` }
}
