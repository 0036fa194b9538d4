import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Client, createClient } from './client.ts'
import { type ClientLedger, createClientLedger } from './client-ledger.ts'
import type { NaiveOptions } from './naive-gateway.ts'
import { type DatabaseView, judge, type Verdict } from './oracle.ts'
import { freePort } from './ports.ts'
import { createPostgresCluster, type PostgresCluster, type PostgresPlace } from './postgres.ts'
import { type Managed, startProcess, untilListening } from './processes.ts'
import { type ProviderProcess, startProvider } from './provider-process.ts'
import { createRedisServer, type RedisOptions, type RedisServer } from './redis.ts'
import { type Supervised, supervise } from './supervisor.ts'
import { type ConnectionFilter, startTcpProxy } from './tcp-proxy.ts'

export type NaiveStackOptions = Partial<Omit<NaiveOptions, 'port'>> & {
  settings?: Record<string, string>
  deathsMax?: number
  providerLatencyMs?: number
  withRedis?: boolean
  redis?: RedisOptions
  postgres?: PostgresPlace
  /** The gateway reaches Postgres through a proxy that does this. */
  postgresFilter?: () => ConnectionFilter
  /** Of the gateway alone: another clock, for instance. */
  env?: Record<string, string>
}

export type NaiveStack = AsyncDisposable & {
  cluster: PostgresCluster
  redis: RedisServer | undefined
  provider: ProviderProcess
  databaseUrl: string
  port: number
  /** The options of the gateway. */
  options: NaiveOptions
  gateway: Supervised
  ledger: ClientLedger
  client: Client
  judge(): Promise<Verdict>
}

/** The naive gateway in the same surroundings as the real one. */
export async function startNaiveStack(options: NaiveStackOptions): Promise<NaiveStack> {
  await using cleanup = new AsyncDisposableStack()
  const cluster = cleanup.adopt(await createPostgresCluster(options.settings, options.postgres), (it) =>
    it.destroy(),
  )
  const redis = options.withRedis
    ? cleanup.adopt(await createRedisServer(options.redis), (it) => it.destroy())
    : undefined
  const provider = cleanup.adopt(await startProvider({ latencyMs: options.providerLatencyMs ?? 0 }), (it) =>
    it.stop(),
  )
  const databaseUrl = await cluster.database('naive')
  const port = await freePort()
  const filter = options.postgresFilter
  const proxy = filter && cleanup.use(await startTcpProxy({ target: cluster.port, filter }))
  const reachedBy = databaseUrl.replace(`:${cluster.port}/`, `:${proxy?.port ?? cluster.port}/`)
  const given: NaiveOptions = {
    databaseUrl: reachedBy,
    port,
    providerUrl: provider.url,
    redisUrl: redis?.url ?? 'redis://127.0.0.1:1',
    limit: 1_000_000,
    backlog: 'table',
    ...options,
  }
  const gateway = cleanup.adopt(
    await supervise({
      start: (round) =>
        startNaive(given, round < (options.deathsMax ?? Number.POSITIVE_INFINITY), options.env),
    }),
    (it) => it.stop(),
  )
  const ledger = createClientLedger()
  const client = createClient({ url: `http://127.0.0.1:${port}`, apiKey: 'none', ledger, connections: 64 })
  cleanup.defer(() => client.close())
  const started = cleanup.move()
  return {
    cluster,
    redis,
    provider,
    databaseUrl,
    port,
    gateway,
    ledger,
    client,
    options: given,
    judge: async () =>
      judge({
        client: ledger.requests(),
        provider: await provider.ledger(),
        database: await readNaive(databaseUrl, given),
      }),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** One more life of the naive gateway, or another one beside the first. */
export async function startNaive(
  options: NaiveOptions,
  mayDie: boolean,
  env: Record<string, string> = {},
): Promise<Managed> {
  const { dieAt: _dieAt, ...immortal } = options
  const main = fileURLToPath(new URL('./naive-gateway-main.ts', import.meta.url))
  const args = [main, JSON.stringify(mayDie ? options : immortal)]
  const started = startProcess({ name: 'naive gateway', command: process.execPath, args, env })
  // It may well die before it listens: then it is started again.
  await untilListening(started, options.port).catch(() => undefined)
  return started
}

async function readNaive(databaseUrl: string, options: NaiveOptions): Promise<DatabaseView> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ id: string; recipients: number; status: string }>(
    'select * from naive',
  )
  await client.end()
  const counted = rows.reduce((sum, { recipients }) => sum + recipients, 0)
  const place = { tenantId: 'naive', day: 'today' }
  return {
    messages: rows.map(({ id, recipients, status }) => ({
      id,
      ...place,
      statuses: Array(recipients).fill(status),
    })),
    usage: [{ ...place, counted, limit: options.limit }],
    backlog: new Set(options.backlog === 'table' ? rows.map(({ id }) => id) : []),
  }
}
