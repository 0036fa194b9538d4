import { createSecretKey } from 'node:crypto'
import { createListener } from '@lettergate/db/listener'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createEgress, type EgressOptions } from '@lettergate/egress/egress'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { acceptMessages } from '../src/accept/index.ts'
import { createFeedNews } from '../src/feed/index.ts'
import { appendEvents, noFailpoint } from '../src/lib/index.ts'
import { createSealer } from '../src/secrets/index.ts'
import { ensureUsage } from '../src/usage/index.ts'
import {
  createEndpoint,
  createWebhookSender,
  type EndpointDeps,
  type WebhookSender,
} from '../src/webhooks/index.ts'
import { openReceiver } from './receiver.ts'
import { buildRow, buildTenant, buildUnit } from './rows.ts'

/** A database, receivers, and workers that send callbacks to them; all is closed after each test, which fails if anything reported an error. */
export function useCallbackBed({
  allow = ['127.0.0.0/8'],
  ...further
}: Partial<Pick<EgressOptions, 'allow' | 'resolve' | 'policy'>> = {}) {
  let db: TestDatabase
  const cleanups: (() => Promise<unknown> | unknown)[] = []
  const errors: unknown[] = []
  beforeAll(async () => {
    db = await createTestDatabase()
  })
  afterAll(async () => {
    await db.drop()
  })
  beforeEach(() => {
    errors.length = 0
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    expect(errors).toEqual([])
  })

  const playReceiver = async (host?: string) => {
    const receiver = await openReceiver(host)
    cleanups.push(receiver.close)
    return receiver
  }

  const root = createSecretKey(Buffer.alloc(32, 7))
  const onError = (error: unknown) => void errors.push(error)

  function endpointDeps(): EndpointDeps {
    const sealer = createSealer({ tenants: db.tenants, root })
    const egress = createEgress({ allow, ...further })
    cleanups.push(
      () => sealer.close(),
      () => egress.close(),
    )
    return {
      prisma: db.prisma,
      tenants: db.tenants,
      sealer,
      egress,
      db: db.pool,
      clock: { now: Date.now },
      onError,
    }
  }

  /** A worker's sender, running. */
  function startSender(): WebhookSender {
    const listener = createListener({ url: db.url, onError })
    const news = createFeedNews({ pool: db.batch, listener, onError })
    const egress = createEgress({ allow, ...further })
    const sealer = createSealer({ tenants: db.tenants, root })
    const sender = createWebhookSender({
      pool: db.batch,
      tenants: db.tenants,
      sealer,
      egress,
      listener,
      news,
      feedDays: 30,
      failpoint: noFailpoint,
      onCall: () => {},
      onDisabled: () => {},
      onError,
    })
    sender.start()
    cleanups.push(async () => {
      await sender.stop(500)
      news.close()
      await listener.close()
      await egress.close()
      sealer.close()
    })
    return sender
  }

  async function accept(
    tenantId: string,
    count = 1,
    change: Parameters<typeof buildRow>[0] = {},
  ): Promise<string[]> {
    await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
    const rows = Array.from({ length: count }, () => buildRow(change))
    await acceptMessages(db.pool, [buildUnit(tenantId, rows)])
    return rows.map(({ id }) => id)
  }

  async function happen(tenantId: string, messageId: string, type = 'recipient.delivered'): Promise<void> {
    await db.pool.query({
      text: `with ${appendEvents(`select $1::uuid as tenant_id, $2::uuid as message_id, 0 as position, $3::text as type, '{"reason":"ok"}'::json as data,
        'live' as mode, false as is_bulk, null::uuid as connection_id`)} select pg_notify('lg_feed', $1::text)`,
      values: [tenantId, messageId, type],
    })
  }

  const request = {
    description: '',
    types: null,
    tags: null,
    streams: null,
    headers: {},
    format: 'standard',
    max_events: 1,
    max_wait_ms: 0,
  } as const

  async function begin(change: Partial<Parameters<typeof createEndpoint>[2]> = {}) {
    const receiver = await playReceiver()
    const tenantId = await buildTenant(db.pool)
    const owner = { tenantId, mode: 'live' } as const
    const deps = endpointDeps()
    const { endpoint, secret } = await createEndpoint(deps, owner, {
      ...request,
      url: receiver.url,
      ...change,
    })
    return { receiver, tenantId, owner, deps, id: endpoint.id, secret }
  }

  return { db: () => db, playReceiver, endpointDeps, startSender, accept, happen, begin, request }
}
