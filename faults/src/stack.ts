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
  resendConnection,
  runCommand,
  sesConnection,
  startPart,
  type Tenant,
} from './gateway.ts'
import { freePort } from './ports.ts'
import { createPostgresCluster, type PostgresCluster, type PostgresPlace } from './postgres.ts'
import { type ProviderProcess, startProvider } from './provider-process.ts'
import { createRedisServer, type RedisOptions, type RedisServer, redisInstalled } from './redis.ts'
import { type Supervised, supervise } from './supervisor.ts'

export type StackOptions = {
  /** Settings of Postgres that differ from initdb's. */
  settings?: Record<string, string>
  /** LG_FAILPOINT of each life; after the last of them it lives unarmed, so that the run can end. */
  apiFailpoints?: string[]
  workerFailpoints?: string[]
  /** Time from the provider's taking a mail to its answer: how much is in flight when a worker dies. */
  providerLatencyMs?: number
  /** What the tenant's connection speaks: SES, which never recognises a repeat, or Resend, which does. */
  providerKind?: 'ses' | 'resend'
  /** The provider takes a repeat under the same key for a new mail. */
  providerForgetsKeys?: boolean
  /** Where redis-server is missing, the queue lives in Postgres anyway. */
  withRedis?: boolean
  redis?: RedisOptions
  /** Where Postgres lies, and with which environment it starts. */
  postgres?: PostgresPlace
  /** What one part is told beside the environment of all: another clock, for instance. */
  apiEnv?: Record<string, string>
  workerEnv?: Record<string, string>
  dailyLimit: number
}

export type Stack = AsyncDisposable & {
  cluster: PostgresCluster
  redis: RedisServer | undefined
  provider: ProviderProcess
  env: Record<string, string>
  apiUrl: string
  api: Supervised
  worker: Supervised
  /** The harness's own eyes: no part of the gateway uses this pool. */
  pool: Pool
  tenant: Tenant
  ledger: ClientLedger
  client: Client
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
  const databaseUrl = await cluster.database('lettergate')
  const [apiPort, workerPort] = [await freePort(), await freePort()]
  const env = gatewayEnv({ databaseUrl, redisUrl: redis?.url, apiPort, workerPort, dataDir })
  await runCommand(['migrate'], env)
  const pool = createPool({ url: databaseUrl, max: 2, applicationName: 'faults', onError: () => undefined })
  cleanup.defer(() => pool.end())
  const tenant = await createTenant(env, options.dailyLimit)
  const api = cleanup.adopt(await superviseApi({ ...env, ...options.apiEnv }, options.apiFailpoints), (it) =>
    it.stop(),
  )
  const apiUrl = `http://127.0.0.1:${apiPort}`
  const connectionTo = options.providerKind === 'resend' ? resendConnection : sesConnection
  await createConnection(apiUrl, tenant.apiKey, connectionTo(provider.url))
  const worker = cleanup.adopt(
    await superviseWorker({ ...env, ...options.workerEnv }, pool, options.workerFailpoints),
    (it) => it.stop(),
  )
  const ledger = createClientLedger()
  const client = createClient({ url: apiUrl, apiKey: tenant.apiKey, ledger, connections: 64 })
  cleanup.defer(() => client.close())
  const started = cleanup.move()
  return {
    ...{ cluster, redis, provider, env, apiUrl, api, worker, pool, tenant, ledger, client },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function armed(env: Record<string, string>, failpoint: string | undefined): Record<string, string> {
  return failpoint === undefined ? env : { ...env, LG_FAILPOINT: failpoint }
}

function superviseApi(env: Record<string, string>, failpoints: string[] = []): Promise<Supervised> {
  return supervise({ start: (round) => startPart('api', armed(env, failpoints[round])) })
}

/**
 * Leases run out while no worker lives, as they would if its restart took a minute: a test waits for the sweeper, not
 * for the clock.
 */
function superviseWorker(
  env: Record<string, string>,
  pool: Pool,
  failpoints: string[] = [],
): Promise<Supervised> {
  return supervise({
    start: (round) => startPart('worker', armed(env, failpoints[round])),
    onDeath: async () => {
      await pool.query({
        text: "update outbox set lease_until = now() where state in ('claimed', 'sending')",
      })
    },
  })
}
