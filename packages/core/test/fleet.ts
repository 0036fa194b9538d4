import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '@lettergate/contracts/lib/ids'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { createListener } from '@lettergate/db/listener'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createEgress, type EgressOptions } from '@lettergate/egress/egress'
import { createCapture } from '@lettergate/providers/capture/index'
import type { Capabilities, OutboundMessage, Provider, SendOutcome } from '@lettergate/providers/provider'
import { createAcceptor } from '../src/accept/index.ts'
import { type Candidate, type ConnectionLimits, createIo } from '../src/connections/index.ts'
import { createDeliverer, createRecorder } from '../src/deliver/index.ts'
import { claimMessages, FIRST_TENANT, promoteDue } from '../src/dispatch/index.ts'
import { noFailpoint } from '../src/lib/index.ts'
import { claimSuspects } from '../src/lost-workers/index.ts'
import type { Router } from '../src/routing/index.ts'
import { createThrottle, type PollResult, type Throttle } from '../src/throttle/index.ts'
import { buildMessage, noSecrets } from './build-message.ts'
import { buildTenant } from './rows.ts'

export type FakeConnection = {
  answer(message: OutboundMessage): SendOutcome | Promise<SendOutcome>
  limits?: ConnectionLimits
  capabilities?: Partial<Capabilities>
  /** A real adapter, which the call goes to instead of `answer`, and which is asked what the account may send. */
  through?: Pick<Candidate, 'provider' | 'connection'>
}

type FleetOptions = {
  workers?: number
  onUnknown?: 'hold' | 'resend'
  checkDeadlineMs?: number
  policyOf?: EgressOptions['policyOf']
}

/** Between two looks for ready messages: each look is four statements, and many fleets of a file run at the same time. */
const LOOK_MS = 20

export type Sent = { connection: number; to: string[]; at: number; worker: number }

export const accepted: SendOutcome = { kind: 'accepted', providerMessageId: 'p-1' }

/** Connections of one tenant, in order, and workers that use them: everything real but what the providers answer. */
export async function buildFleet(
  db: TestDatabase,
  connections: FakeConnection[],
  options: FleetOptions = {},
) {
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const tenantId = await buildTenant(db.pool, options)
  const ids = connections.map(() => newId())
  const sent: Sent[] = []
  const reserved: number[] = []
  const asked: PollResult[] = []
  const egress = createEgress({
    allow: options.policyOf ? [] : ['127.0.0.1'],
    ...(options.policyOf && { policyOf: options.policyOf }),
  })
  const capture = createCapture()
  const listener = createListener({ url: db.url, onError })
  const acceptor = createAcceptor({ pool: db.pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError })

  function startWorker(worker: number) {
    const candidates = connections.map((fake, connection): Candidate => {
      const provider: Provider = fake.through?.provider ?? capture
      return {
        provider: {
          ...provider,
          capabilities: { ...provider.capabilities, ...fake.capabilities },
          send: async (message, opened, io) => {
            sent.push({ connection, to: message.envelopeTo, at: Date.now(), worker })
            return fake.through ? provider.send(message, opened, io) : fake.answer(message)
          },
        },
        connectionId: ids[connection] ?? null,
        limits: fake.limits ?? null,
        connection: fake.through?.connection ?? { id: 'c', credentials: {}, settings: {} },
      }
    })
    const router: Router = {
      async route({ connectionId }) {
        const named = candidates.filter((one) => one.connectionId === connectionId)
        const isNamed = connectionId !== null
        return {
          kind: 'candidates',
          rule: isNamed ? 'named' : 'priority',
          routeId: null,
          candidates: isNamed ? named : candidates,
        }
      },
    }
    const throttle: Throttle = createThrottle({
      pool: db.pool,
      onError,
      onReserve: (n) => reserved.push(n),
      onPolled: (what) => asked.push(what),
      ...(options.checkDeadlineMs !== undefined && { checkDeadlineMs: options.checkDeadlineMs }),
      check: (_tenantId, { provider, connection }, signal) => {
        const deps = { egress, secrets: noSecrets, now: Date.now }
        const io = createIo(deps, { signal }, { owner: null, deadlineMs: options.checkDeadlineMs ?? 10_000 })
        return provider.check(connection, io)
      },
    })
    throttle.start()
    const deliverer = createDeliverer({
      pool: db.pool,
      tenants: db.tenants,
      router,
      egress,
      secrets: noSecrets,
      throttle,
      slots: 50,
      onError,
      recorder: createRecorder({ pool: db.pool, onError }),
      failpoint: noFailpoint,
      onAttempt: () => {},
    })
    return { throttle, deliverer }
  }
  const workers = Array.from({ length: options.workers ?? 1 }, (_, index) => startWorker(index))
  await listener.on('lg_connection', (ids) => {
    for (const { throttle } of workers) throttle.refresh(ids === '' ? null : ids.split(','))
  })
  let turn = 0
  let stopped = false

  /** Dispatches until `isDone`. */
  async function run(isDone: () => boolean | Promise<boolean>): Promise<void> {
    const running = new Set<Promise<void>>()
    while (!stopped && !(await isDone())) {
      await promoteDue(db.pool, 1_000)
      const { claims } = await claimMessages(db.pool, {
        depth: 200,
        afterTenant: FIRST_TENANT,
        tenantsMax: 50,
        leaseMs: 60_000,
      })
      // Messages over which a worker was lost are claimed separately, as by a worker's processes for them.
      const suspects = await claimSuspects(db.pool, { free: 4, max: 4, leaseMs: 60_000 })
      claims.push(...suspects)
      for (const claim of claims) {
        const deliver = workers[turn++ % workers.length]?.deliverer.deliver
        if (!deliver) throw new Error('a fleet has workers')
        const work: Promise<void> = deliver(claim).finally(() => running.delete(work))
        running.add(work)
      }
      if (claims.length === 0) await sleep(LOOK_MS)
    }
    await Promise.all(running)
  }

  async function acceptAll(messages: NewMessage[]): Promise<string[]> {
    const outcome = await acceptor.accept({ id: tenantId, mode: 'live' }, { messages })
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind)
    return outcome.messages.map(({ id }) => id)
  }

  return {
    tenantId,
    ids,
    sent,
    reserved,
    asked,
    errors,
    workers,
    run,
    /** One message for each list of recipients. */
    accept: (...recipients: string[][]) =>
      acceptAll(recipients.map((to) => buildMessage({ to: to.map((address) => ({ address })) }))),
    acceptAll,
    async statuses(): Promise<Record<string, number>> {
      const { rows } = await db.pool.query<{ status: string; n: number }>({
        text: 'select status, count(*)::int as n from recipient where tenant_id = $1 group by status',
        values: [tenantId],
      })
      return Object.fromEntries(rows.map(({ status, n }) => [status, n]))
    },
    async backlog() {
      const { rows } = await db.pool.query<{ state: string; why: string | null; in_ms: number }>({
        text: `select state, wait_why as why, (extract(epoch from due_at - now()) * 1000)::float8 as in_ms
               from outbox where tenant_id = $1 order by due_at`,
        values: [tenantId],
      })
      return rows
    },
    async health(connection: number) {
      const { rows } = await db.pool.query<{
        state: string
        opened: number
        concurrency: number
        day_used: number
      }>({
        text: `select state, opened, concurrency, (select used from connection_usage u where u.connection_id = $1) as day_used
               from connection_health where connection_id = $1`,
        values: [ids[connection]],
      })
      return rows[0]
    },
    async attempts() {
      const { rows } = await db.pool.query<{
        number: number
        connection_id: string
        outcome: string
        code: string | null
        choice: { rule: string; skipped: { connection: string; why: string }[] } | null
      }>({
        text: `select number, connection_id, outcome, code, choice from attempt where tenant_id = $1
               order by message_id, number`,
        values: [tenantId],
      })
      return rows.map(({ connection_id, ...row }) => ({ ...row, connection: ids.indexOf(connection_id) }))
    },
    async stop() {
      if (stopped) return
      stopped = true
      await Promise.all(workers.map(({ throttle }) => throttle.stop()))
      await Promise.all([egress.close(), listener.close()])
    },
  }
}

export type OwnFleet = Awaited<ReturnType<typeof openFleet>>

/** A fleet on a database of its own: such tests mostly wait, so they run at the same time. */
export async function openFleet(connections: FakeConnection[], options: FleetOptions = {}) {
  const db = await createTestDatabase()
  const fleet = await buildFleet(db, connections, options)
  return {
    ...fleet,
    db,
    isEmpty: async () => (await fleet.backlog()).length === 0,
    allWait: async () => (await fleet.backlog()).every(({ state }) => state === 'waiting'),
    async [Symbol.asyncDispose]() {
      await fleet.stop()
      await db.drop()
    },
  }
}
