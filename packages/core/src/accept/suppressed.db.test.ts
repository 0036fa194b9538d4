import { numberOfType } from '@lettergate/contracts/messages/event-types'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildMessage } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { noFailpoint } from '../lib/index.ts'
import { type AcceptOutcome, type AcceptRequest, createAcceptor } from './accept.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const acceptorOn = (pool = db.pool, failpoint = noFailpoint) =>
  createAcceptor({ pool, wakeWorkers: () => {}, failpoint, onError: () => {} })

async function suppress(tenantId: string, address: string, stream = '*', mode = 'live'): Promise<void> {
  await db.pool.query({
    text: `insert into suppression (tenant_id, mode, address, stream, reason) values ($1, $2, $3, $4, 'complaint')`,
    values: [tenantId, mode, address, stream],
  })
}

/** What is stored of the messages of an answer, in the form of the answer. */
async function stored(outcome: AcceptOutcome): Promise<unknown> {
  if (outcome.kind !== 'accepted') return []
  return await Promise.all(
    outcome.messages.map(async ({ id }) => {
      const { rows } = await db.pool.query({
        text: 'select address, kind, status from recipient where message_id = $1 order by position',
        values: [id],
      })
      return rows
    }),
  )
}

const answered = (outcome: AcceptOutcome) =>
  outcome.kind === 'accepted' ? outcome.messages.map(({ recipients }) => recipients) : []

const statusesOf = (outcome: AcceptOutcome) =>
  answered(outcome).map((recipients) => recipients.map(({ status }) => status))

test('whatever stands on which list, the answer is what is stored, a repeat gets it again, and the others alone are counted and wait', async () => {
  const names = ['a', 'B', 'c', 'd']
  const entry = fc.record({
    name: fc.constantFrom(...names),
    stream: fc.constantFrom('*', 'bulk', 'transactional'),
  })
  const message = fc.record({
    to: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
    stream: fc.constantFrom('bulk' as const, 'transactional' as const),
    isLater: fc.boolean(),
  })
  const requests = fc.array(fc.array(message, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
  const lists = fc.uniqueArray(entry, { selector: ({ name, stream }) => name + stream, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ list: lists, requests }), { minLength: 1, maxLength: 3 }),
      async (given) => {
        const acceptor = acceptorOn()
        const later = new Date(Date.now() + 3_600_000)
        const tenants = await Promise.all(
          given.map(async ({ list, ...rest }) => {
            const tenantId = await buildTenant(db.pool)
            for (const { name, stream } of list)
              await suppress(tenantId, `${name.toLowerCase()}@example.net`, stream)
            return { tenantId, list, ...rest }
          }),
        )
        // Requests of all tenants meet in the same statements.
        await Promise.all(
          tenants.flatMap(({ tenantId, list, requests: all }) =>
            all.map(async (messages, index) => {
              const request: AcceptRequest = {
                messages: messages.map(({ to, stream, isLater }) =>
                  buildMessage({
                    to: to.map((name) => ({ address: `${name}@example.net` })),
                    stream,
                    ...(isLater && { sendAt: later }),
                  }),
                ),
                idempotency: { key: String(index), route: 'send', bodyHash: Buffer.alloc(32, index) },
              }
              const accept = () => acceptor.accept({ id: tenantId, mode: 'live' }, request)
              const first = await accept()
              const isListed = (name: string, stream: string) =>
                list.some((one) => one.name === name && (one.stream === '*' || one.stream === stream))
              expect(statusesOf(first)).toEqual(
                messages.map(({ to, stream, isLater }) =>
                  to.map((name) =>
                    isListed(name, stream) ? 'suppressed' : isLater ? 'scheduled' : 'queued',
                  ),
                ),
              )
              expect(await stored(first)).toEqual(answered(first))
              expect(await accept()).toEqual({ ...first, quota: null, replayed: true })
            }),
          ),
        )
        for (const { tenantId } of tenants) {
          const { rows } = await db.pool.query({
            text: `
            select (select accepted from usage where tenant_id = $1)::int as counted,
                   (select count(*) from recipient where tenant_id = $1 and status <> 'suppressed')::int as others,
                   (select count(*) from outbox where tenant_id = $1)::int as waiting,
                   (select count(distinct message_id) from recipient where tenant_id = $1 and status <> 'suppressed')::int as open,
                   (select count(*) from event where tenant_id = $1 and type = 'recipient.suppressed')::int as reported,
                   (select count(*) from recipient where tenant_id = $1 and status = 'suppressed')::int as suppressed`,
            values: [tenantId],
          })
          const row = rows[0]
          expect([row.counted, row.waiting, row.reported]).toEqual([row.others, row.open, row.suppressed])
        }
      },
    ),
    { numRuns: 25 },
  )
}, 60_000)

test('a request fits if its recipients that are not suppressed fit, and a refusal names their number', async () => {
  const tenantId = await buildTenant(db.pool, { dailyLimit: 2 })
  const tenant = { id: tenantId, mode: 'live' as const }
  await suppress(tenantId, 'ann@example.net')
  const send = (...names: string[]) =>
    acceptorOn().accept(tenant, {
      messages: [buildMessage({ to: names.map((name) => ({ address: `${name}@example.net` })) })],
    })
  expect(await send('ann', 'bob', 'cid', 'dan')).toMatchObject({ kind: 'quota-exceeded', requested: 3 })
  expect(await send('ann', 'bob', 'cid')).toMatchObject({ kind: 'accepted', quota: { day: { used: 2 } } })
  expect(await send('ann')).toMatchObject({ kind: 'accepted', quota: { day: { used: 2 } } })
  await db.pool.query({ text: 'update tenant set daily_limit = 1 where id = $1', values: [tenantId] })
  expect(await send('ann')).toMatchObject({ kind: 'accepted', messages: [{ status: 'suppressed' }] })
  expect(await send('bob')).toMatchObject({ kind: 'quota-exceeded', requested: 1 })
})

test('the recipients of a message with an attachment are looked up too', async () => {
  const tenantId = await buildTenant(db.pool)
  await suppress(tenantId, 'ann@example.net', '*', 'test')
  const file = {
    filename: 'a.txt',
    contentType: 'text/plain',
    disposition: 'attachment' as const,
    content: Buffer.from('x'),
  }
  const messages = [buildMessage({ to: [{ address: 'ann@example.net' }], attachments: [file] })]
  const statuses = async (mode: 'live' | 'test') =>
    statusesOf(await acceptorOn().accept({ id: tenantId, mode }, { messages }))
  expect([await statuses('test'), await statuses('live')]).toEqual([[['suppressed']], [['queued']]])
})

test('where the answer to the commit is lost, the statuses are those that were stored', async () => {
  const tenantId = await buildTenant(db.pool)
  await suppress(tenantId, 'ann@example.net')
  const tenant = { id: tenantId, mode: 'live' as const }
  // Makes the usage row of the day, so that the next request is one statement.
  await acceptorOn().accept(tenant, { messages: [buildMessage()] })
  // The first statement decides nothing of messages with suppressed recipients: the second one stores them.
  let commits = 0
  const acceptor = acceptorOn(db.pool, (name) => {
    if (name === 'after_commit_before_reply' && ++commits === 2) throw new Error('the connection was lost')
  })
  const to = ['ann', 'bob'].map((name) => ({ address: `${name}@example.net` }))
  const outcome = await acceptor.accept(tenant, {
    messages: [buildMessage({ to }), buildMessage({ to: to.slice(0, 1) })],
  })
  expect(commits).toBe(2)
  expect(statusesOf(outcome)).toEqual([['suppressed', 'queued'], ['suppressed']])
  expect(await stored(outcome)).toEqual(answered(outcome))
})

test('in the feed, a message is accepted before anything else happens to it', async () => {
  const tenantId = await buildTenant(db.pool)
  await suppress(tenantId, 'ann@example.net')
  const messages = [
    buildMessage({ to: [{ address: 'ann@example.net' }] }),
    buildMessage({ to: ['bob', 'ann'].map((name) => ({ address: `${name}@example.net` })) }),
  ]
  const outcome = await acceptorOn().accept({ id: tenantId, mode: 'live' }, { messages })
  const ids = outcome.kind === 'accepted' ? outcome.messages.map(({ id }) => id) : []
  const { rows } = await db.pool.query<{ id: string; types: number[] }>({
    text: `select message_id as id, array_agg(type::int4 order by pos, seq) as types from feed where tenant_id = $1 group by 1`,
    values: [tenantId],
  })
  const types = ['message.accepted' as const, 'recipient.suppressed' as const].map(numberOfType)
  expect(rows).toHaveLength(2)
  expect(rows).toEqual(expect.arrayContaining(ids.map((id) => ({ id, types }))))
})
