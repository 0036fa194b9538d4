import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool, type Pool } from '@lettergate/db/pool'
import { type Client, createClient } from './client.ts'
import { type ClientLedger, createClientLedger } from './client-ledger.ts'
import {
  createConnection,
  createTenant,
  gatewayEnv,
  migrateDatabase,
  resendConnection,
  sesConnection,
  smtpConnection,
  startPart,
  type Tenant,
} from './gateway.ts'
import { freePort } from './ports.ts'
import { createPostgresCluster, type PostgresCluster, type PostgresPlace } from './postgres.ts'
import { type ProviderProcess, startProvider } from './provider-process.ts'
import { createRedisServer, type RedisOptions, type RedisServer, redisInstalled } from './redis.ts'
import { type SmtpProcess, startSmtp } from './smtp-process.ts'
import { type Supervised, supervise } from './supervisor.ts'
import { type ConnectionFilter, startTcpProxy, type TcpProxy } from './tcp-proxy.ts'
import { expireLeases, noteInFlight } from './worker-deaths.ts'

export type StackOptions = {
  /** Settings of Postgres that differ from initdb's. */
  settings?: Record<string, string>
  /** LG_FAILPOINT of each life; after the last of them it runs without one, so that the run can end. */
  apiFailpoints?: string[]
  /** Of the first worker. */
  workerFailpoints?: string[]
  /** Where fail points draw from: what announceSeed says. */
  seed?: number
  /** How many there are; 1 when absent. */
  workers?: number
  /** Leases end immediately when a worker dies, as though its restart took a minute, in a test of something else. */
  expireLeases?: boolean
  /** Each with a connection of its own; 1 when absent. */
  tenants?: number
  /** The gateway reaches Postgres through `stack.postgresProxy`; the harness does not. */
  proxyPostgres?: boolean | { filter: () => ConnectionFilter }
  /** Workers reach the provider through `stack.providerProxy`. */
  proxyProvider?: boolean
  /** Time from the provider's taking a mail to its answer: how much is in flight when a worker dies. */
  providerLatencyMs?: number
  /** The protocol of the tenant's connection: SES, which never recognises a repeat, Resend, which does, or SMTP, by `stack.smtp`. */
  providerKind?: 'ses' | 'resend' | 'smtp'
  /** The provider takes a repeat under the same key for a new mail. */
  providerForgetsKeys?: boolean
  /** Where redis-server is missing, the queue is in Postgres anyway. */
  withRedis?: boolean
  redis?: RedisOptions
  /** Where Postgres lies, and with which environment it starts. */
  postgres?: PostgresPlace
  /** The variables of one process beside the environment of all: another clock, for instance. */
  apiEnv?: Record<string, string>
  workerEnv?: Record<string, string>
  dailyLimit: number
}

export type Stack = AsyncDisposable & {
  cluster: PostgresCluster
  redis: RedisServer | undefined
  provider: ProviderProcess
  smtp: SmtpProcess | undefined
  /** SMTP servers that a test added: the oracle reads their ledgers too. */
  added: SmtpProcess[]
  env: Record<string, string>
  apiUrl: string
  api: Supervised
  /** The first of the workers. */
  worker: Supervised
  workers: Supervised[]
  postgresProxy: TcpProxy | undefined
  providerProxy: TcpProxy | undefined
  /** Messages that a worker was sending when one died: only these may become unknown. */
  inFlightAtDeaths: ReadonlySet<string>
  /** The harness's own eyes: no part of the gateway uses this pool. */
  pool: Pool
  /** The first of the tenants, and its client. */
  tenant: Tenant
  client: Client
  tenants: Tenant[]
  clients: Client[]
  ledger: ClientLedger
}

/** Api and worker as real processes on a Postgres and a Redis of their own, one tenant, and the fake provider behind it. */
export async function startStack(options: StackOptions): Promise<Stack> {
  await using cleanup = new AsyncDisposableStack()
  const cluster = cleanup.adopt(await createPostgresCluster(options.settings, options.postgres), (it) =>
    it.destroy(),
  )
  const withRedis = options.withRedis ?? redisInstalled()
  const redis = withRedis
    ? cleanup.adopt(await createRedisServer(options.redis), (it) => it.destroy())
    : undefined
  const dataDir = cleanup.adopt(await mkdtemp(join(tmpdir(), 'lettergate-data-')), (it) =>
    rm(it, { recursive: true }),
  )
  const provider = cleanup.adopt(
    await startProvider({
      latencyMs: options.providerLatencyMs ?? 0,
      forgetsKeys: options.providerForgetsKeys ?? false,
    }),
    (it) => it.stop(),
  )
  const directUrl = await cluster.database('lettergate')
  const throughProxy = async (wanted: StackOptions['proxyPostgres'], target: number) =>
    wanted
      ? cleanup.use(await startTcpProxy({ target, ...(typeof wanted === 'object' ? wanted : {}) }))
      : undefined
  const postgresProxy = await throughProxy(options.proxyPostgres, cluster.port)
  const smtp =
    options.providerKind === 'smtp'
      ? cleanup.adopt(await startSmtp({ latencyMs: options.providerLatencyMs ?? 0 }), (it) => it.stop())
      : undefined
  const providerPort = smtp?.port ?? Number(new URL(provider.url).port)
  const providerProxy = await throughProxy(options.proxyProvider, providerPort)
  const databaseUrl = withPort(directUrl, postgresProxy?.port)
  const [apiPort, workerPort] = [await freePort(), await freePort()]
  const env = gatewayEnv({ databaseUrl, redisUrl: redis?.url, apiPort, workerPort, dataDir })
  await migrateDatabase(directUrl)
  const pool = createPool({ url: directUrl, max: 2, applicationName: 'faults', onError: () => undefined })
  cleanup.defer(() => pool.end())
  const tenants: Tenant[] = []
  for (let index = 0; index < (options.tenants ?? 1); index++)
    tenants.push(await createTenant(env, options.dailyLimit))
  const armed = (failpoints: string[] = []) =>
    failpoints.map((failpoint, life) => seeded(failpoint, life, options))
  const api = cleanup.adopt(
    await superviseApi({ ...env, ...options.apiEnv }, armed(options.apiFailpoints)),
    (it) => it.stop(),
  )
  const apiUrl = `http://127.0.0.1:${apiPort}`
  const providerUrl = `http://127.0.0.1:${providerProxy?.port ?? providerPort}`
  const connections = {
    ses: () => sesConnection(providerUrl),
    resend: () => resendConnection(providerUrl),
    smtp: () => smtpConnection(providerProxy?.port ?? providerPort),
  }
  for (const { apiKey } of tenants)
    await createConnection(apiUrl, apiKey, connections[options.providerKind ?? 'ses']())
  const added: SmtpProcess[] = []
  cleanup.defer(async () => void (await Promise.all(added.map((it) => it.stop()))))
  const inFlightAtDeaths = new Set<string>()
  const workers: Supervised[] = []
  for (let index = 0; index < (options.workers ?? 1); index++) {
    const port = index === 0 ? workerPort : await freePort()
    const workerEnv = { ...env, WORKER_METRICS_PORT: String(port), ...options.workerEnv }
    const failpoints = index === 0 ? armed(options.workerFailpoints) : []
    const isOnlyWorker = (options.workers ?? 1) === 1
    const onDeath = async () => {
      await noteInFlight(pool, inFlightAtDeaths, isOnlyWorker)
      if (options.expireLeases) await expireLeases(pool)
    }
    workers.push(cleanup.adopt(await superviseWorker(workerEnv, failpoints, onDeath), (it) => it.stop()))
  }
  const ledger = createClientLedger()
  const clients = tenants.map(({ apiKey }) => createClient({ url: apiUrl, apiKey, ledger, connections: 64 }))
  cleanup.defer(() => {
    for (const client of clients) client.close()
  })
  const [tenant, client, worker] = [first(tenants), first(clients), first(workers)]
  const started = cleanup.move()
  return {
    cluster,
    redis,
    provider,
    smtp,
    added,
    env,
    apiUrl,
    api,
    worker,
    workers,
    pool,
    tenant,
    tenants,
    ledger,
    client,
    clients,
    postgresProxy,
    providerProxy,
    inFlightAtDeaths,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function first<T>(items: readonly T[]): T {
  const [item] = items
  if (item === undefined) throw new Error('a stack needs at least one')
  return item
}

function withPort(url: string, port: number | undefined): string {
  const changed = new URL(url)
  if (port !== undefined) changed.port = String(port)
  return changed.href.replace(/\/$/, '')
}

/** Each life draws differently. */
function seeded(failpoint: string, life: number, { seed }: StackOptions): string {
  return seed === undefined ? failpoint : `${failpoint};seed=${(seed + life) % 2 ** 31}`
}

function withFailpoint(env: Record<string, string>, failpoint: string | undefined): Record<string, string> {
  return failpoint === undefined ? env : { ...env, LG_FAILPOINT: failpoint }
}

function superviseApi(env: Record<string, string>, failpoints: string[]): Promise<Supervised> {
  return supervise({ start: (round) => startPart('api', withFailpoint(env, failpoints[round])) })
}

function superviseWorker(
  env: Record<string, string>,
  failpoints: string[],
  onDeath: () => Promise<void>,
): Promise<Supervised> {
  return supervise({
    start: (round) => startPart('worker', withFailpoint(env, failpoints[round])),
    // Postgres may be dead as well.
    onDeath: () => onDeath().catch(() => undefined),
  })
}

/** One more SMTP server, for connections that a test makes itself; it ends with the stack. */
export async function addSmtp(stack: Stack): Promise<SmtpProcess> {
  const server = await startSmtp()
  stack.added.push(server)
  return server
}
