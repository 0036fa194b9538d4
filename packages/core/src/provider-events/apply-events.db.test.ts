import { uuidAtTime } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant } from '../../test/rows.ts'
import {
  buildSent,
  postmarkBody,
  type ReportedKind,
  type SentMessage,
  stateOfSent,
} from '../../test/sent-message.ts'
import { noFailpoint } from '../lib/index.ts'
import { createMessageReader, retryMessage } from '../messages/index.ts'
import { applyTurn } from './apply-turn.ts'
import { insertProviderEvents } from './sql/insert-provider-events.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const providers = createProviders()
const turn = async () =>
  (await applyTurn({ pool: db.batch, providers, failpoint: noFailpoint }, { limit: 100 })).applied
const stateOf = ({ id }: SentMessage) => stateOfSent(db.pool, id)

async function report(
  kind: ReportedKind,
  sent: SentMessage,
  options: Parameters<typeof postmarkBody>[2] = {},
): Promise<void> {
  const body = postmarkBody(kind, sent, options)
  await insertProviderEvents(db.batch, [{ ...sent, provider: 'postmark', headers: '{}', body }])
}

test('an event moves its recipient on and is an event of the message, once, however often it is reported', async () => {
  const sent = await buildSent(db.pool, ['a@example.net', 'b@example.net'])
  const at = new Date()
  await report('delivered', sent, { at })
  await report('delivered', sent, { at })
  expect(await turn()).toMatchObject({ requests: 2, applied: 1 })
  await report('delivered', sent, { at })
  expect(await turn()).toMatchObject({ requests: 1, applied: 0, repeated: 1 })
  expect((await stateOf(sent)).statuses).toEqual(['delivered', 'sent'])
  expect((await stateOf(sent)).events).toEqual(['recipient.delivered'])
  expect(await turn()).toMatchObject({ requests: 0 })
})

test('a hard bounce and a complaint stand above what comes later, and put the address on the list', async () => {
  const sent = await buildSent(db.pool)
  const kinds = ['bounced', 'delivered', 'opened', 'complained', 'delivered'] as const
  for (const [index, kind] of kinds.entries()) {
    await report(kind, sent, { at: new Date(Date.UTC(2026, 10, 1, 12, 0, -index)) })
    await turn()
  }
  expect((await stateOf(sent)).statuses).toEqual(['complained'])
  const { rows } = await db.pool.query({
    text: 'select address, stream, reason from suppression where tenant_id = $1',
    values: [sent.tenantId],
  })
  expect(rows).toEqual([{ address: 'user@example.net', stream: '*', reason: 'hard_bounce' }])
})

test('a message without our id in the event is found by the id of its provider', async () => {
  const sent = await buildSent(db.pool)
  await report('delivered', sent, { byProviderId: true })
  expect(await turn()).toMatchObject({ applied: 1 })
  expect((await stateOf(sent)).statuses).toEqual(['delivered'])
})

test('an event about a message of another tenant changes nothing', async () => {
  const [mine, theirs] = [await buildSent(db.pool), await buildSent(db.pool)]
  await report('bounced', { ...theirs, tenantId: mine.tenantId, connectionId: mine.connectionId })
  await report(
    'bounced',
    { ...theirs, tenantId: mine.tenantId, connectionId: mine.connectionId },
    { byProviderId: true },
  )
  expect(await turn()).toMatchObject({ requests: 2, applied: 0, foreign: 1, early: 1 })
  for (const sent of [mine, theirs]) expect(await stateOf(sent)).toEqual({ statuses: ['sent'], events: [] })
  await db.pool.query({ text: 'delete from provider_event_due' })
})

test('proof for one recipient resolves the unknown attempt for all of them, and ends its repeat', async () => {
  const sent = await buildSent(db.pool, ['a@example.net', 'b@example.net'], {
    outcome: 'unknown',
    status: 'deferred',
    backlog: 'ready',
  })
  await report('delivered', sent)
  expect(await turn()).toMatchObject({ applied: 1 })
  expect((await stateOf(sent)).statuses).toEqual(['delivered', 'sent'])
  const { rows } = await db.pool.query({
    text: `select (select outcome from attempt where message_id = $1), (select count(*)::int4 as waiting from outbox where message_id = $1)`,
    values: [sent.id],
  })
  expect(rows).toEqual([{ outcome: 'accepted', waiting: 0 }])
  expect((await stateOf(sent)).events).toEqual(['recipient.delivered', 'recipient.sent'])
})

test('an event about a recipient that is being sent to waits for the record', async () => {
  const sent = await buildSent(db.pool, ['a@example.net'], {
    outcome: 'deferred',
    status: 'queued',
    backlog: 'ready',
  })
  await db.pool.query({
    text: `update outbox set state = 'sending' where message_id = $1`,
    values: [sent.id],
  })
  await report('delivered', sent)
  expect(await turn()).toMatchObject({ applied: 0, early: 1 })
  await db.pool.query({ text: `delete from outbox where message_id = $1`, values: [sent.id] })
  await db.pool.query({
    text: `update recipient set status = 'sent' where message_id = $1`,
    values: [sent.id],
  })
  await db.pool.query({ text: `update provider_event_due set due_at = now()` })
  expect(await turn()).toMatchObject({ applied: 1, early: 0 })
  expect((await stateOf(sent)).statuses).toEqual(['delivered'])
})

test('a recipient that waits for a next attempt is not sent to again once it is delivered', async () => {
  const sent = await buildSent(db.pool, ['a@example.net', 'b@example.net'], {
    outcome: 'deferred',
    status: 'deferred',
    backlog: 'ready',
  })
  await report('delivered', sent)
  await turn()
  expect((await stateOf(sent)).statuses).toEqual(['delivered', 'deferred'])
  const { rows } = await db.pool.query({
    text: 'select state, accepted_at from outbox where message_id = $1',
    values: [sent.id],
  })
  expect(rows).toEqual([{ state: 'ready', accepted_at: null }])
})

test('a repeat of an event proves nothing about an attempt that came after it', async () => {
  const sent = await buildSent(db.pool)
  const at = new Date()
  await report('soft', sent, { at })
  await turn()
  await db.pool.query({
    text: `with a as (update recipient set status = 'unknown' where message_id = $1)
           update attempt set outcome = 'unknown' where message_id = $1`,
    values: [sent.id],
  })
  await report('soft', sent, { at })
  expect(await turn()).toMatchObject({ applied: 0, repeated: 1 })
  expect(await stateOf(sent)).toEqual({ statuses: ['unknown'], events: ['recipient.delayed'] })
})

const retry = ({ tenantId, id }: SentMessage) =>
  retryMessage(
    { tenants: db.tenants, messages: createMessageReader({ pool: db.pool }) },
    { tenantId, mode: 'live' },
    id,
  )
const waiting = async ({ id }: SentMessage) =>
  (await db.pool.query({ text: 'select from outbox where message_id = $1', values: [id] })).rowCount === 1

test.each(['soft', 'bounced'] as const)(
  'a first report of %s about an attempt before the retry of a tenant is an event, and does not end the retry',
  async (kind) => {
    const sent = await buildSent(db.pool, undefined, { status: 'failed' })
    await retry(sent)
    await report(kind, sent, { byProviderId: true })
    expect(await turn()).toMatchObject({ applied: 1 })
    expect((await stateOf(sent)).statuses).toEqual(['queued'])
    expect((await stateOf(sent)).events).toHaveLength(2)
    expect(await waiting(sent)).toBe(true)
  },
)

test('a retry ends when an event shows that the recipient has the mail, or that the attempt with unknown outcome was accepted', async () => {
  const failed = await buildSent(db.pool, undefined, { status: 'failed' })
  const unknown = await buildSent(db.pool, undefined, { status: 'unknown', outcome: 'unknown' })
  for (const sent of [failed, unknown]) await retry(sent)
  await report('delivered', failed)
  await report('soft', unknown)
  expect(await turn()).toMatchObject({ applied: 2 })
  expect((await stateOf(failed)).statuses).toEqual(['delivered'])
  expect((await stateOf(unknown)).statuses).toEqual(['sent'])
  expect([await waiting(failed), await waiting(unknown)]).toEqual([false, false])
})

test('an event about an attempt after the retry ends it', async () => {
  const sent = await buildSent(db.pool, undefined, { status: 'failed' })
  await retry(sent)
  await db.pool.query({
    text: `insert into attempt (tenant_id, message_id, number, connection_id, provider, started_at, outcome, provider_message_id, recipients)
           select tenant_id, message_id, 2, connection_id, provider, now(), 'deferred', 'second', recipients from attempt where message_id = $1`,
    values: [sent.id],
  })
  await report('bounced', sent)
  expect(await turn()).toMatchObject({ applied: 1 })
  expect((await stateOf(sent)).statuses).toEqual(['queued'])
  await report('bounced', sent, { providerMessageId: 'second' })
  expect(await turn()).toMatchObject({ applied: 1 })
  expect((await stateOf(sent)).statuses).toEqual(['bounced'])
  expect(await waiting(sent)).toBe(false)
})

test('a bounce of an attempt says nothing of a newer one by another connection, by which the recipient may have the mail', async () => {
  const sent = await buildSent(db.pool, ['a@example.net', 'b@example.net'], { outcome: 'unknown' })
  const newer = await db.pool.query<{ connectionId: string }>({
    text: `insert into attempt (tenant_id, message_id, number, connection_id, provider, started_at, outcome, provider_message_id, recipients)
           select tenant_id, message_id, 2, gen_random_uuid(), provider, now(), 'accepted', 'second', '{0}' from attempt where message_id = $1
           returning connection_id as "connectionId"`,
    values: [sent.id],
  })
  for (const address of sent.addresses) await report('bounced', sent, { address })
  expect(await turn()).toMatchObject({ applied: 2 })
  expect(await stateOf(sent)).toEqual({
    statuses: ['sent', 'bounced'],
    events: ['recipient.bounced', 'recipient.bounced'],
  })
  const { rowCount } = await db.pool.query({
    text: 'select from suppression where tenant_id = $1',
    values: [sent.tenantId],
  })
  expect(rowCount).toBe(2)
  await report('bounced', { ...sent, ...newer.rows[0] }, { providerMessageId: 'second' })
  await turn()
  expect((await stateOf(sent)).statuses).toEqual(['bounced', 'bounced'])
})

test('a burst of one tenant delays no event of others: each turn takes from every tenant', async () => {
  const busy = await buildSent(db.pool)
  for (let i = 0; i < 120; i++) await report('opened', busy, { at: new Date(Date.UTC(2026, 10, 1, 0, 0, i)) })
  const others = await Promise.all([1, 2, 3].map(() => buildSent(db.pool)))
  for (const sent of others) await report('delivered', sent)
  expect((await turn()).requests).toBeGreaterThanOrEqual(25 + others.length)
  for (const sent of others) expect((await stateOf(sent)).statuses).toEqual(['delivered'])
  while ((await turn()).requests > 0);
  expect((await stateOf(busy)).events).toHaveLength(120)
})

test('events of messages of many days in one turn: each recipient gets its status, and each address its place on the list', async () => {
  const tenantId = await buildTenant(db.pool)
  const sent = await Promise.all(
    Array.from({ length: 12 }, (_, day) =>
      buildSent(db.pool, [`user${day}@example.net`], {
        tenantId,
        id: uuidAtTime(new Date(Date.now() - day * 86_400_000)),
      }),
    ),
  )
  const kinds = ['delivered', 'bounced', 'opened', 'complained'] as const
  for (const [at, one] of sent.entries()) await report(kinds[at % 4] ?? 'opened', one)
  expect((await turn()).applied).toBe(12)
  const statuses = await Promise.all(sent.map(async (one) => (await stateOf(one)).statuses[0]))
  expect(statuses).toEqual(Array(3).fill(['delivered', 'bounced', 'sent', 'complained']).flat())
  const { rows } = await db.pool.query<{ address: string }>({
    text: 'select address from suppression where tenant_id = $1 order by address',
    values: [tenantId],
  })
  expect(rows.map(({ address }) => address)).toEqual(
    [1, 3, 5, 7, 9, 11].map((day) => `user${day}@example.net`).sort(),
  )
})

test('with more tenants than one turn has shares for, every event is applied in the turns after it', async () => {
  const many = await Promise.all(Array.from({ length: 45 }, () => buildSent(db.pool)))
  for (const sent of many) await report('delivered', sent)
  const counts: number[] = []
  for (let applied = 0; applied < many.length; applied += counts.at(-1) ?? 0) {
    counts.push((await turn()).requests)
    expect(counts.at(-1), 'a turn that finds nothing while something is due').toBeGreaterThan(0)
  }
  expect(counts).toEqual([20, 20, 5])
})
