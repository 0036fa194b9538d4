import { createSecretKey } from 'node:crypto'
import type { GatewayNames } from '@lettergate/core/domains'
import { issueKey, type Scope } from '@lettergate/core/keys'
import { deriveKey } from '@lettergate/core/secrets'
import { createTenant } from '@lettergate/core/tenants'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import type { Dns } from '@lettergate/egress/dns'
import type { Io } from '@lettergate/providers/provider'
import { pino } from 'pino'
import { z } from 'zod'
import { type ApiServer, startServer } from '../src/server.ts'

export type TestTenant = { tenantId: string; liveKey: string; testKey: string }
export type CallOptions = { key?: string | null; body?: unknown; headers?: Record<string, string> }
export type Answer = { status: number; headers: Headers; text: string; json: Record<string, unknown> }

export type TestApi = AsyncDisposable & {
  url: string
  db: TestDatabase
  /** A tenant with both keys. */
  tenant: TestTenant
  addTenant(options?: { dailyLimit?: number }): Promise<TestTenant>
  addKey(tenantId: string, scopes: readonly Scope[], options?: { expires_at?: Date }): Promise<string>
  addAdminKey(): Promise<string>
  /** A request with the tenant's live key unless the options name another; `body` is sent as JSON, or unchanged if it is a string. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  server: ApiServer
  close(): Promise<void>
}

/** The root secret of test apis, for a process that is to share their keys. */
export const TEST_SECRET = 'a secret that only tests may have'

/** Says nothing, at once: tests without a DNS of their own ask nobody. */
const NO_DNS: Dns = {
  within: (work) =>
    work({
      ask: async () => ({ kind: 'unanswered' }),
      askAt: async () => ({ kind: 'unanswered' }),
      serversOf: async () => [],
    }),
}

const Json = z.record(z.string(), z.unknown())

async function exchange(
  url: string,
  method: string,
  key: string | null,
  options: CallOptions,
): Promise<Answer> {
  const { body } = options
  const response = await fetch(url, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = /^application\/([\w-]+\+)?json/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? Json.parse(JSON.parse(text)) : {},
  }
}

type TestOptions = {
  egressAllow?: string[]
  /** All addresses of a name; absent: no name has an address, and no DNS server is asked. */
  egressResolve?: (name: string) => Promise<string[]>
  dns?: Dns
  gateway?: GatewayNames
  failpoint?: string
  answerBytesMax?: number
  drainMs?: number
  /** Puts something between the api and its database: answers the URL by which the api reaches it. */
  through?: (databaseUrl: string) => Promise<string>
  keepAliveSeconds?: number
  connectionsMax?: number
  trustedProxies?: string[]
  publicUrl?: string
  hookRequest?: Io['request']
}

/** An api that listens on a port and a database of its own, with one tenant. */
export async function startTestApi(options: TestOptions = {}): Promise<TestApi> {
  const db = await createTestDatabase()
  const secret = createSecretKey(Buffer.from(TEST_SECRET))
  const pepper = deriveKey(secret, 'api key pepper')
  const addTenant = (tenant: { dailyLimit?: number } = {}) =>
    createTenant(
      { operator: db.operator, pepper },
      { name: 'Test', plan: 'standard', dailyLimit: tenant.dailyLimit ?? 100_000 },
    )
  const server = await startServer({
    databaseUrl: (await options.through?.(db.url)) ?? db.url,
    secret,
    egressAllow: options.egressAllow ?? [],
    egressResolve: options.egressResolve ?? (async () => []),
    failpoint: options.failpoint,
    dns: options.dns ?? NO_DNS,
    ...(options.gateway && { gateway: options.gateway }),
    ...(options.answerBytesMax !== undefined && { answerBytesMax: options.answerBytesMax }),
    logger: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    drainMs: options.drainMs ?? 0,
    metricsPort: 0,
    ...(options.keepAliveSeconds !== undefined && { keepAliveSeconds: options.keepAliveSeconds }),
    ...(options.connectionsMax !== undefined && { connectionsMax: options.connectionsMax }),
    trustedProxies: options.trustedProxies ?? [],
    publicUrl: options.publicUrl,
    ...(options.hookRequest && { hookRequest: options.hookRequest }),
    checkAnswers: true,
  })
  // Tests ask faster than people; those of the limits give their tenant one.
  await db.pool.query({ text: 'update plan set requests_per_second = null', values: [] })
  const tenant = await addTenant()
  const close = async () => {
    await server.stop()
    await db.drop()
  }
  return {
    url: server.url,
    db,
    tenant,
    server,
    addTenant,
    async addKey(tenantId, scopes, key = {}) {
      const owner = { mode: 'live', tenantId } as const
      return (
        await db.operator.forOperator((tables) => issueKey({ db: tables, pepper }, owner, { scopes, ...key }))
      ).key
    },
    async addAdminKey() {
      return (await db.operator.forOperator((tables) => issueKey({ db: tables, pepper }, { mode: 'admin' })))
        .key
    },
    call(method, path, call = {}) {
      return exchange(
        `${server.url}${path}`,
        method,
        call.key === undefined ? tenant.liveKey : call.key,
        call,
      )
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
