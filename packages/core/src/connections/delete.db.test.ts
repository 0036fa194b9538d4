import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import { createPool, inTransaction } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildConnection, buildRow, buildTenant, buildUnit } from '../../test/rows.ts'
import { acceptMessages } from '../accept/index.ts'
import { beginSending, loadClaimed } from '../deliver/index.ts'
import { type Claim, claimMessages, FIRST_TENANT } from '../dispatch/index.ts'
import { createRoute, listRoutes, readRoute, updateRoute } from '../routing/index.ts'
import { insertDataKey } from '../secrets/index.ts'
import { ensureUsage } from '../usage/index.ts'
import { deleteConnection } from './delete.ts'
import { failPinned } from './sql/fail-pinned.ts'
import { unpin } from './sql/unpin.ts'

let db: TestDatabase
let tenantId: string
let named: string
let other: string
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(async () => {
  tenantId = await buildTenant(db.pool)
  await ensureUsage(db.pool, [
    { id: tenantId, mode: 'live' },
    { id: tenantId, mode: 'test' },
  ])
  await insertDataKey(db.pool, tenantId, { version: 1, rootVersion: 1, wrapped: Buffer.from('x') })
  ;[named, other] = [await connect(), await connect()]
})

async function connect(): Promise<string> {
  const id = newId()
  const row = { tenantId, id, provider: 'smtp', name: 'x', priority: 1, settings: {} }
  await buildConnection(db.pool, { ...row, sealedCredentials: Buffer.from('x'), dataKeyVersion: 1 })
  return id
}

type Options = { connectionId?: string | null; sendAt?: Date; recipients?: number; mode?: 'live' | 'test' }

async function accept({
  connectionId = named,
  sendAt,
  recipients = 1,
  mode = 'live',
}: Options = {}): Promise<string> {
  const row = buildRow({
    connectionId,
    sendAt: sendAt ?? null,
    recipients: Array.from({ length: recipients }, (_, i) => ({
      kind: 'to' as const,
      address: `user${i}@example.net`,
      name: null,
    })),
  })
  const [result] = await acceptMessages(db.pool, [buildUnit(tenantId, [row], { mode })])
  if (!result?.admitted) throw new Error('was not accepted')
  return row.id
}

async function claim(): Promise<Claim[]> {
  const { claims } = await claimMessages(db.pool, {
    depth: 1_000,
    afterTenant: FIRST_TENANT,
    tenantsMax: 100,
    leaseMs: 60_000,
  })
  return claims.filter((found) => found.tenantId === tenantId)
}

const load = async (claims: Claim[]) =>
  new Map(
    (await loadClaimed(db.pool, claims, 'claimed')).map((message) => [
      message.messageId,
      message.connectionId,
    ]),
  )

/** One connection, as plans are kept by each. */
async function connectAlone() {
  const pool = createPool({ url: db.url, max: 1, applicationName: 'lettergate-test', onError: () => {} })
  return {
    settle: (queued: 'move' | 'fail', ids: string[]) =>
      inTransaction(pool, (client) =>
        queued === 'move'
          ? unpin(client, tenantId, named, ids)
          : failPinned(client, tenantId, ids, 'deleted'),
      ),
    /** Rows that indexes answered so far. */
    async rowsRead(): Promise<number> {
      await pool.query({ text: 'select pg_stat_force_next_flush()' })
      const { rows } = await pool.query<{ n: number }>({
        text: 'select sum(idx_tup_read)::float8 as n from pg_stat_user_indexes',
      })
      return rows[0]?.n ?? 0
    },
    end: () => pool.end(),
  }
}

async function statuses(id: string) {
  const { rows } = await db.pool.query<{ status: string; reason: string | null }>({
    text: 'select status, reason from recipient where tenant_id = $1 and message_id = $2 order by position',
    values: [tenantId, id],
  })
  return rows
}

async function used(mode = 'live'): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({
    text: 'select sum(accepted)::int4 as n from usage where tenant_id = $1 and mode = $2',
    values: [tenantId, mode],
  })
  return rows[0]?.n ?? -1
}

const remove = (queued: 'move' | 'hold' | 'fail', change: { workMs?: number; pageMax?: number } = {}) =>
  deleteConnection({ tenants: db.tenants, prisma: db.prisma, ...change }, tenantId, named, queued)
const inAnHour = () => new Date(Date.now() + 3_600_000)

describe('deleting a connection that messages wait for', () => {
  it('moves them: they use any connection, and other messages keep their named one', async () => {
    const [ready, kept, free] = [
      await accept(),
      await accept({ connectionId: other }),
      await accept({ connectionId: null }),
    ]
    const later = await accept({ sendAt: inAnHour() })
    expect(await remove('move')).toMatchObject({ messages: 2 })
    await db.pool.query({ text: `update outbox set state = 'ready' where message_id = $1`, values: [later] })
    const routed = await load(await claim())
    expect(Object.fromEntries(routed)).toEqual({ [ready]: null, [kept]: other, [free]: null, [later]: null })
  })

  it('moves claimed messages too: the next load of them has no named connection', async () => {
    const id = await accept()
    const claims = await claim()
    expect(await remove('move')).toMatchObject({ messages: 1 })
    expect((await load(claims)).get(id)).toBeNull()
  })

  it('moves any number of them, page by page', async () => {
    for (let i = 0; i < 7; i++) await accept(i % 3 === 0 ? { connectionId: other } : {})
    expect(await remove('move', { pageMax: 2 })).toMatchObject({ messages: 4 })
    expect([...(await load(await claim())).values()].filter((id) => id === named)).toEqual([])
  })

  it('moves also messages that are accepted during the deletion', async () => {
    let late = ''
    const tenants: Tenants = {
      forTenant(id) {
        const own = db.tenants.forTenant(id)
        return {
          ...own,
          transaction: (work) =>
            own.transaction((client) =>
              work({
                async query(config) {
                  if (config.name === 'delete-connection') late = await accept()
                  return client.query(config)
                },
              }),
            ),
        }
      },
      close: async () => {},
    }
    expect(await deleteConnection({ ...db, tenants }, tenantId, named, 'move')).toMatchObject({ messages: 1 })
    expect(Object.fromEntries(await load(await claim()))).toEqual({ [late]: null })
  })

  it('stops in time while the connection still exists, and the same request continues', async () => {
    for (let i = 0; i < 4; i++) await accept()
    await expect(remove('move', { pageMax: 1, workMs: -1 })).rejects.toMatchObject({
      code: 'overloaded',
      headers: { 'retry-after': '1' },
    })
    expect(await remove('move')).toMatchObject({ messages: 3 })
    await expect(remove('move')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('fails them: recipients have a reason and an event, and are refunded once', async () => {
    const id = await accept({ recipients: 3 })
    const later = await accept({ sendAt: inAnHour() })
    const kept = await accept({ connectionId: other })
    expect(await used()).toBe(5)
    expect(await remove('fail', { pageMax: 1 })).toMatchObject({ messages: 2 })
    const reason = 'the connection that the message names was deleted'
    expect(await statuses(id)).toEqual([1, 2, 3].map(() => ({ status: 'failed', reason })))
    expect(await statuses(later)).toEqual([{ status: 'failed', reason }])
    expect(await statuses(kept)).toMatchObject([{ status: 'queued' }])
    expect(await used()).toBe(1)
    const { rows } = await db.pool.query({
      text: `select data from event where tenant_id = $1 and message_id = $2 and type = 'recipient.failed'`,
      values: [tenantId, id],
    })
    expect(rows).toEqual([1, 2, 3].map(() => ({ data: { reason } })))
    expect((await claim()).map(({ messageId }) => messageId)).toEqual([kept])
  })

  it.each(['move', 'fail'] as const)(
    'reads the messages that wait (%s), and not all that the tenant sent between them',
    async (queued) => {
      // Plans are made while the day is empty, as they are every day.
      await accept()
      const one = await connectAlone()
      await one.settle(queued, [await accept()])
      const first = await accept()
      const sent = Array.from({ length: 2_000 }, () => buildRow())
      for (let at = 0; at < sent.length; at += 500)
        await acceptMessages(db.pool, [buildUnit(tenantId, sent.slice(at, at + 500))])
      const ids = [first, await accept()]
      const before = await one.rowsRead()
      expect(await one.settle(queued, ids)).toBe(2)
      expect((await one.rowsRead()) - before).toBeLessThan(500)
      await one.end()
    },
  )

  it('does not fail messages being sent, nor report possibly accepted messages as unsent', async () => {
    const sending = await accept()
    const [held] = await claim()
    if (!held) throw new Error('nothing was claimed')
    await beginSending(
      db.pool,
      [{ messageId: sending, epoch: held.epoch, connectionId: named, provider: 'smtp', token: 1 }],
      60_000,
    )
    const mayBeTaken = await accept()
    await db.pool.query({
      text: `insert into attempt (tenant_id, message_id, number, provider, started_at, outcome, recipients)
             values ($1, $2, 1, 'smtp', now() + interval '1 second', 'unknown', '{0}')`,
      values: [tenantId, mayBeTaken],
    })
    expect(await remove('fail')).toMatchObject({ messages: 1 })
    expect(await statuses(sending)).toMatchObject([{ status: 'queued' }])
    expect(await statuses(mayBeTaken)).toMatchObject([
      { status: 'unknown', reason: expect.stringContaining('may have been accepted') },
    ])
    expect(await used()).toBe(2)
  })

  it('holds them: they keep their named connection, and wait', async () => {
    const id = await accept()
    expect(await remove('hold')).toMatchObject({ messages: 1 })
    expect(Object.fromEntries(await load(await claim()))).toEqual({ [id]: named })
  })

  it('does not change messages of test mode, which use no connection', async () => {
    const id = await accept({ mode: 'test' })
    expect(await remove('fail')).toMatchObject({ messages: 0 })
    expect(await statuses(id)).toMatchObject([{ status: 'queued' }])
    expect(await used('test')).toBe(1)
  })

  it('disables a route without a target: its messages use other routes, and the route is kept', async () => {
    const target = (connection: string) => ({ connection: toPublicId('con', connection), weight: 1 })
    const make = (name: string, enabled: boolean, ...targets: string[]) =>
      createRoute(db, tenantId, {
        name,
        position: 1,
        match: { stream: 'bulk' as const },
        strategy: 'ordered' as const,
        enabled,
        targets: targets.map(target),
      })
    const alone = await make('alone', true, named)
    const both = await make('both', true, named, other)
    const off = await make('off', false, named)
    const foreign = await make('foreign', true, other)
    expect(await remove('move')).toEqual({ messages: 0, disabledRoutes: [alone.id] })
    const left = Object.fromEntries(
      (await listRoutes(db, tenantId)).map(({ name, enabled, targets }) => [name, { enabled, targets }]),
    )
    const kept = [{ connection_id: other, weight: 1 }]
    expect(left).toEqual({
      alone: { enabled: false, targets: [] },
      both: { enabled: true, targets: kept },
      off: { enabled: false, targets: [] },
      foreign: { enabled: true, targets: kept },
    })
    expect(await readRoute(db, tenantId, foreign.id)).toEqual(foreign)
    for (const { id } of [alone, off]) {
      const enable = updateRoute(db, tenantId, id, { enabled: true })
      await expect(enable).rejects.toMatchObject({ code: 'wrong-state' })
      const change = { enabled: true, targets: [target(other)] }
      expect(await updateRoute(db, tenantId, id, change)).toMatchObject({ enabled: true, targets: kept })
    }
    expect(await readRoute(db, tenantId, both.id)).toMatchObject({ name: 'both' })
  })

  it('a route that gets the connection meanwhile does not use it afterwards', async () => {
    const targets = [{ connection: toPublicId('con', named), weight: 1 }]
    const route = { name: 'r', position: 1, match: {}, strategy: 'ordered', enabled: true, targets } as const
    const made = Array.from({ length: 20 }, () => createRoute(db, tenantId, { ...route, targets }))
    const [, ...answers] = await Promise.allSettled([remove('move'), ...made])
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'connection-not-found' })
    }
    const routes = await listRoutes(db, tenantId)
    expect(routes.filter(({ enabled, targets: left }) => enabled || left.length > 0)).toEqual([])
  })

  it('of another tenant answers not found, and nothing of it is changed', async () => {
    const id = await accept()
    const stranger = await buildTenant(db.pool)
    await expect(deleteConnection(db, stranger, named, 'fail')).rejects.toMatchObject({
      code: 'not-found',
    })
    expect(await statuses(id)).toMatchObject([{ status: 'queued' }])
  })
})
