import { createSecretKey, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '@lettergate/contracts/lib/ids'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import type { TestDatabase } from '@lettergate/db/test/database'
import { createEgress } from '@lettergate/egress/egress'
import { createCapture } from '@lettergate/providers/capture/index'
import type { OutboundMessage, Provider, SendOutcome } from '@lettergate/providers/provider'
import { createAcceptor } from '../src/accept/index.ts'
import { createDeliverer, createRecorder } from '../src/deliver/index.ts'
import { claimMessages, FIRST_TENANT, promoteDue } from '../src/dispatch/index.ts'
import { type Failpoint, noFailpoint, POOL_TENANT_ID } from '../src/lib/index.ts'
import { createRouter } from '../src/routing/index.ts'
import { createSealer } from '../src/secrets/index.ts'
import { sweepSteps } from '../src/sweep/index.ts'
import { createThrottle } from '../src/throttle/index.ts'
import { buildMessage, noSecrets } from './build-message.ts'
import { buildConnection, buildTenant } from './rows.ts'

export type Answer = (message: OutboundMessage) => SendOutcome | Promise<SendOutcome>
export const taken: Answer = () => ({ kind: 'accepted', providerMessageId: 'p-1' })

type Options = {
  own?: Answer
  pool?: Answer
  place?: 'first' | 'last' | 'never'
  poolLimit?: number
  failpoint?: Failpoint
  provider?: 'direct'
}

/** Lets `proved_domains` answer these, as the table of domains will. */
export function proveDomains(db: TestDatabase, ...domains: string[]) {
  const list = domains.map((domain) => `'${domain}'`).join(', ')
  return db.pool.query({
    text: `create or replace function proved_domains(of_tenant uuid) returns text[] language sql stable as
           $$ select array[${list}]::text[] $$`,
  })
}

/** A tenant, perhaps with a connection of its own, a pool with one connection, and a worker: all real but what the providers answer. */
export async function buildPoolBed(db: TestDatabase, options: Options = {}) {
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const tenantId = await buildTenant(db.pool)
  const sealer = createSealer({ tenants: db.tenants, root: createSecretKey(randomBytes(32)) })
  const egress = createEgress({ allow: [] })
  const calls: { by: string; to: string[]; poolDay: string | null }[] = []
  const answers: { own: Answer | undefined; pool: Answer | undefined } = {
    own: options.own,
    pool: options.pool ?? taken,
  }
  const ids = { own: newId(), pool: newId() }

  function provider(by: 'own' | 'pool', id: string): Provider {
    return {
      ...createCapture(),
      id,
      send: async (message) => {
        const { rows } = await db.pool.query<{ pool_day: string | null }>({
          text: `select pool_day from message where tenant_id = $1 and exists (select from outbox o where o.message_id = id and o.state = 'sending')
                 and subject = $2`,
          values: [tenantId, message.subject],
        })
        calls.push({ by, to: message.envelopeTo, poolDay: rows[0]?.pool_day ?? null })
        const answer = answers[by]
        return await (answer ?? taken)(message)
      },
    }
  }
  const ownProvider = options.provider ?? 'own'
  const providers: Record<string, Provider> = {
    [ownProvider]: provider('own', ownProvider),
    shared: provider('pool', 'shared'),
  }

  async function addConnection(by: 'own' | 'pool'): Promise<void> {
    const owner = by === 'own' ? tenantId : POOL_TENANT_ID
    const place = { tenantId: owner, table: 'connection', id: ids[by] } as const
    const { sealed: sealedCredentials, dataKeyVersion } = await sealer.sealJson(place, {})
    const kind = by === 'own' ? ownProvider : 'shared'
    const row = { tenantId: owner, id: ids[by], provider: kind, name: by, priority: 1, settings: {} }
    await buildConnection(db.pool, { ...row, sealedCredentials, dataKeyVersion })
  }
  if (options.own || options.provider) await addConnection('own')
  if (options.pool !== undefined || !options.provider) await addConnection('pool')
  await db.pool.query({
    text: `update tenant set pool = $2, own_limits = own_limits || jsonb_build_object('pool_per_day', $3::int) where id = $1`,
    values: [tenantId, options.place ?? 'last', options.poolLimit ?? 1_000],
  })
  await db.pool.query({ text: `select open_usage($1, 'live')`, values: [tenantId] })

  const throttle = createThrottle({ pool: db.batch, onError })
  const deliverer = createDeliverer({
    pool: db.batch,
    tenants: db.tenants,
    router: createRouter({ tenants: db.tenants, sealer, providers, fallback: 'hold', onError }),
    egress,
    secrets: noSecrets,
    throttle,
    slots: 50,
    onError,
    recorder: createRecorder({ pool: db.batch, onError }),
    failpoint: options.failpoint ?? noFailpoint,
    onAttempt: () => {},
  })
  const acceptor = createAcceptor({ pool: db.pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError })

  /** Dispatches until nothing is ready. */
  async function run(): Promise<void> {
    for (;;) {
      await promoteDue(db.pool, 1_000)
      const options = { depth: 500, afterTenant: FIRST_TENANT, tenantsMax: 50, leaseMs: 60_000 }
      const { claims } = await claimMessages(db.pool, options)
      if (claims.length === 0) return
      await Promise.all(claims.map((claim) => deliverer.deliver(claim).catch(onError)))
      await sleep(0)
    }
  }

  async function accept(...recipients: string[][]): Promise<void> {
    const messages = recipients.map(
      (to, index): NewMessage =>
        buildMessage({ subject: `${newId()} ${index}`, to: to.map((address) => ({ address })) }),
    )
    const outcome = await acceptor.accept({ id: tenantId, mode: 'live' }, { messages })
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind)
  }

  return {
    tenantId,
    ids,
    calls,
    errors,
    answers,
    run,
    accept,
    addConnection,
    by: () => calls.map(({ by }) => by),
    /** As accept counts them on the pool. */
    async countOnPool(): Promise<void> {
      await db.pool.query({
        text: `with m as (
                 update message m set pool_day = usage_day, pool_n = r.n from (
                   select message_id, count(*) as n from recipient where tenant_id = $1 group by 1) r
                 where m.id = r.message_id and m.tenant_id = $1 returning r.n)
               update usage set pool = pool + (select sum(n) from m) where tenant_id = $1 and not closed`,
        values: [tenantId],
      })
    },
    async statuses(): Promise<Record<string, number>> {
      const { rows } = await db.pool.query<{ status: string; n: number }>({
        text: 'select status, count(*)::int as n from recipient where tenant_id = $1 group by status',
        values: [tenantId],
      })
      return Object.fromEntries(rows.map(({ status, n }) => [status, n]))
    },
    /** Recipients that count on the pool: by the counters, and by the messages. */
    async counted(): Promise<{ counter: number; ledger: number; accepted: number }> {
      const { rows } = await db.pool.query<{ counter: number; ledger: number; accepted: number }>({
        text: `select (select sum(pool)::int from usage where tenant_id = $1) as counter,
                      (select sum(accepted)::int from usage where tenant_id = $1) as accepted,
                      (select coalesce(sum(pool_n), 0)::int from message where tenant_id = $1 and pool_day is not null) as ledger`,
        values: [tenantId],
      })
      return rows[0] ?? { counter: -1, ledger: -1, accepted: -1 }
    },
    async reason(): Promise<string | null> {
      const { rows } = await db.pool.query<{ reason: string | null }>({
        text: 'select reason from recipient where tenant_id = $1 and reason is not null limit 1',
        values: [tenantId],
      })
      return rows[0]?.reason ?? null
    },
    async backlog() {
      const { rows } = await db.pool.query<{ state: string; in_ms: number; to_midnight_ms: number }>({
        text: `select state, (extract(epoch from due_at - now()) * 1000)::float8 as in_ms,
                      (extract(epoch from date_trunc('day', now() at time zone 'utc') + interval '1 day' - (now() at time zone 'utc')) * 1000)::float8
                        as to_midnight_ms
               from outbox where tenant_id = $1 order by message_id`,
        values: [tenantId],
      })
      return rows
    },
    /** As the sweep does within seconds. */
    async release(): Promise<void> {
      const deps = { pool: db.batch, repeatWindowMs: () => 0 }
      await sweepSteps.releaseAfterPoolChange(deps)
      await sweepSteps.releaseWaiting(deps)
    },
    changed: () =>
      db.pool.query({
        text: 'update tenant set connections_version = connections_version + 1 where id = $1',
        values: [tenantId],
      }),
    /** The days of everything become earlier by one, as if midnight had passed. */
    async nextDay(): Promise<void> {
      await db.pool.query({
        text: `update usage set day = day - 1, closed = true where tenant_id = $1`,
        values: [tenantId],
      })
      await db.pool.query({
        text: `update message set usage_day = usage_day - 1, pool_day = pool_day - 1, created_at = created_at - interval '1 day' where tenant_id = $1`,
        values: [tenantId],
      })
      await db.pool.query({
        text: 'update outbox set due_at = now() where tenant_id = $1',
        values: [tenantId],
      })
    },
    async stop(): Promise<void> {
      await throttle.stop()
      await egress.close()
    },
  }
}
