import { toPublicId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../test/rows.ts'
import { acceptMessages } from '../accept/index.ts'
import { noFailpoint } from '../lib/index.ts'
import { ensureUsage } from '../usage/index.ts'
import { applyTurn } from './apply-turn.ts'
import { insertProviderEvents } from './sql/insert-provider-events.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const providers = createProviders({})
const turn = async (limit = 100) =>
  (await applyTurn({ pool: db.pool, providers, failpoint: noFailpoint }, { limit })).applied

type Sent = { tenantId: string; id: string; connectionId: string; addresses: string[] }

/** A message that a connection has sent to all its recipients, or whose attempt has this outcome. */
async function send(
  addresses = ['user@example.net'],
  { outcome = 'accepted', status = 'sent', tenantId = '', isInBacklog = false } = {},
): Promise<Sent> {
  tenantId ||= await buildTenant(db.pool)
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const row = buildRow({
    recipients: addresses.map((address) => ({ kind: 'to' as const, address, name: null })),
  })
  await acceptMessages(db.pool, [buildUnit(tenantId, [row])])
  const connectionId = newId()
  await db.pool.query({
    text: `with r as (update recipient set status = $4 where message_id = $2)
      insert into attempt (tenant_id, message_id, number, connection_id, provider, started_at, outcome, provider_message_id, recipients)
      values ($1, $2, 1, $3, 'postmark', now(), $5, $6, $7)`,
    values: [
      tenantId,
      row.id,
      connectionId,
      status,
      outcome,
      `p-${row.id}`,
      addresses.map((_, index) => index),
    ],
  })
  if (!isInBacklog)
    await db.pool.query({ text: 'delete from outbox where message_id = $1', values: [row.id] })
  return { tenantId, id: row.id, connectionId, addresses }
}

const KINDS = {
  delivered: { RecordType: 'Delivery' },
  bounced: { RecordType: 'Bounce', Type: 'HardBounce', Details: '550 5.1.1 no such user' },
  complained: { RecordType: 'SpamComplaint' },
  opened: { RecordType: 'Open', UserAgent: 'Mail 1.0' },
}

async function report(
  kind: keyof typeof KINDS,
  { tenantId, id, connectionId, addresses }: Sent,
  { at = new Date(), address = addresses[0], byProviderId = false } = {},
): Promise<void> {
  const body = {
    ...KINDS[kind],
    Recipient: address,
    Email: address,
    MessageID: `p-${id}`,
    Metadata: byProviderId ? {} : { lg_id: toPublicId('msg', id) },
    DeliveredAt: at.toISOString(),
    BouncedAt: at.toISOString(),
    ReceivedAt: at.toISOString(),
  }
  await insertProviderEvents(db.pool, [
    { tenantId, connectionId, provider: 'postmark', headers: '{}', body: Buffer.from(JSON.stringify(body)) },
  ])
}

async function statuses({ id }: Sent): Promise<string[]> {
  const { rows } = await db.pool.query<{ status: string }>({
    text: 'select status from recipient where message_id = $1 order by position',
    values: [id],
  })
  return rows.map(({ status }) => status)
}

async function events({ id }: Sent): Promise<string[]> {
  const { rows } = await db.pool.query<{ type: string }>({
    text: 'select type from event where message_id = $1 order by seq',
    values: [id],
  })
  return rows.map(({ type }) => type)
}

test('an event moves its recipient on and is an event of the message, once, however often it is reported', async () => {
  const sent = await send(['a@example.net', 'b@example.net'])
  const at = new Date()
  await report('delivered', sent, { at })
  await report('delivered', sent, { at })
  expect(await turn()).toMatchObject({ requests: 2, applied: 1 })
  await report('delivered', sent, { at })
  expect(await turn()).toMatchObject({ requests: 1, applied: 0, repeated: 1 })
  expect(await statuses(sent)).toEqual(['delivered', 'sent'])
  expect(await events(sent)).toEqual(['recipient.delivered'])
  expect(await turn()).toMatchObject({ requests: 0 })
})

test('a hard bounce and a complaint stand above what comes later, and put the address on the list', async () => {
  const sent = await send()
  for (const kind of ['bounced', 'delivered', 'opened', 'complained', 'delivered'] as const) {
    await report(kind, sent, { at: new Date(Date.now() - Math.random() * 1000) })
    await turn()
  }
  expect(await statuses(sent)).toEqual(['complained'])
  const { rows } = await db.pool.query({
    text: 'select address, stream, reason from suppression where tenant_id = $1',
    values: [sent.tenantId],
  })
  expect(rows).toEqual([{ address: 'user@example.net', stream: '*', reason: 'hard_bounce' }])
})

test('a message without our id in the event is found by the id of its provider', async () => {
  const sent = await send()
  await report('delivered', sent, { byProviderId: true })
  expect(await turn()).toMatchObject({ applied: 1 })
  expect(await statuses(sent)).toEqual(['delivered'])
})

test('an event about a message of another tenant changes nothing', async () => {
  const [mine, theirs] = [await send(), await send()]
  await report('bounced', { ...theirs, tenantId: mine.tenantId, connectionId: mine.connectionId })
  await report(
    'bounced',
    { ...theirs, tenantId: mine.tenantId, connectionId: mine.connectionId },
    { byProviderId: true },
  )
  expect(await turn()).toMatchObject({ requests: 2, applied: 0, foreign: 1, early: 1 })
  expect([await statuses(theirs), await statuses(mine)]).toEqual([['sent'], ['sent']])
  await db.pool.query({ text: 'delete from provider_event_due' })
})

test('proof for one recipient resolves the unknown attempt for all of them, and ends its repeat', async () => {
  const sent = await send(['a@example.net', 'b@example.net'], {
    outcome: 'unknown',
    status: 'deferred',
    isInBacklog: true,
  })
  await report('delivered', sent)
  expect(await turn()).toMatchObject({ applied: 1 })
  expect(await statuses(sent)).toEqual(['delivered', 'sent'])
  const { rows } = await db.pool.query({
    text: `select (select outcome from attempt where message_id = $1), (select count(*)::int4 as waiting from outbox where message_id = $1)`,
    values: [sent.id],
  })
  expect(rows).toEqual([{ outcome: 'accepted', waiting: 0 }])
  expect((await events(sent)).sort()).toEqual(['recipient.delivered', 'recipient.sent'])
})

test('an event about a recipient that is being sent to waits for the record', async () => {
  const sent = await send(['a@example.net'], { outcome: 'deferred', status: 'queued', isInBacklog: true })
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
  expect(await statuses(sent)).toEqual(['delivered'])
})

test('a recipient that waits for a next attempt is not sent to again once it is delivered', async () => {
  const sent = await send(['a@example.net', 'b@example.net'], {
    outcome: 'deferred',
    status: 'deferred',
    isInBacklog: true,
  })
  await report('delivered', sent)
  await turn()
  expect(await statuses(sent)).toEqual(['delivered', 'deferred'])
  const { rows } = await db.pool.query({
    text: 'select state, accepted_at from outbox where message_id = $1',
    values: [sent.id],
  })
  expect(rows).toEqual([{ state: 'ready', accepted_at: null }])
})
