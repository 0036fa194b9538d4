import { randomUUID } from 'node:crypto'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { buildSent, postmarkBody, type SentMessage, stateOfSent } from '../../test/sent-message.ts'
import { beginSending } from '../deliver/index.ts'
import { claimMessages, FIRST_TENANT } from '../dispatch/index.ts'
import { type Failpoint, noFailpoint } from '../lib/index.ts'
import { createEventApplier } from './apply-events.ts'
import { applyTurn } from './apply-turn.ts'
import { recordReport } from './record-report.ts'
import { insertProviderEvents } from './sql/insert-provider-events.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(async () => {
  await db.drop()
})
afterEach(() => db.pool.query({ text: 'delete from provider_event_due' }))

const real = createProviders()
const { postmark } = real
const source = postmark.events
if (!source) throw new Error('Postmark reports events')
/** Events of a made-up provider, whose bodies are lists of our own form. */
const fake: Provider = {
  ...postmark,
  id: 'fake',
  events: {
    ...source,
    parse: ({ body }, at) => [
      { events: JSON.parse(body.toString()).map((event: object) => ({ at, ...event })), unread: 0 },
    ],
  },
}
const providers = { ...real, fake }

const turn = async (failpoint: Failpoint = noFailpoint) =>
  (await applyTurn({ pool: db.batch, providers, failpoint }, { limit: 100 })).applied

async function store(
  provider: string,
  body: Buffer | object[],
  { tenantId, connectionId }: SentMessage,
): Promise<void> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  await insertProviderEvents(db.batch, [{ tenantId, connectionId, provider, headers: '{}', body: bytes }])
}

const isDueNow = () => db.pool.query({ text: 'update provider_event_due set due_at = now()' })

async function due(): Promise<{ tries: number }[]> {
  return (await db.pool.query<{ tries: number }>({ text: 'select tries from provider_event_due' })).rows
}

test('an event that comes before its message was recorded as sent waits, and is applied then', async () => {
  const sent = await buildSent(db.pool)
  await db.pool.query({
    text: `update attempt set provider_message_id = 'other' where message_id = $1`,
    values: [sent.id],
  })
  await store('postmark', postmarkBody('delivered', sent, { byProviderId: true }), sent)
  expect(await turn()).toMatchObject({ early: 1, applied: 0 })
  expect(await turn()).toMatchObject({ requests: 0 })
  await db.pool.query({
    text: 'update attempt set provider_message_id = $2 where message_id = $1',
    values: [sent.id, `p-${sent.id}`],
  })
  await isDueNow()
  expect(await turn()).toMatchObject({ early: 0, applied: 1 })
  expect(await stateOfSent(db.pool, sent.id)).toEqual({
    statuses: ['delivered'],
    events: ['recipient.delivered'],
  })
})

test('an event whose message never comes is looked at seven times, then dropped and counted', async () => {
  const sent = await buildSent(db.pool)
  await store(
    'postmark',
    postmarkBody('delivered', { ...sent, id: randomUUID() }, { byProviderId: true }),
    sent,
  )
  for (let tries = 0; tries < 6; tries++) {
    expect(await turn()).toMatchObject({ early: 1, expired: 0 })
    await isDueNow()
  }
  expect(await turn()).toMatchObject({ expired: 1 })
  expect(await due()).toEqual([])
})

test('two connections of one account, which are both sent every event, report each event once', async () => {
  const sent = await buildSent(db.pool)
  const other = { ...sent, connectionId: randomUUID() }
  const at = new Date()
  for (const byProviderId of [false, true]) {
    await store(
      'fake',
      [{ kind: 'opened', byMachine: false, id: 'e-1', messageId: toPublicId('msg', sent.id) }],
      other,
    )
    await store(
      'fake',
      [{ kind: 'opened', byMachine: false, id: 'e-1', messageId: toPublicId('msg', sent.id) }],
      sent,
    )
    await store('postmark', postmarkBody('clicked', sent, { at, byProviderId }), sent)
    await store('postmark', postmarkBody('clicked', sent, { at, byProviderId }), other)
  }
  await turn()
  const { events } = await stateOfSent(db.pool, sent.id)
  expect(events.filter((type) => type === 'recipient.opened')).toHaveLength(1)
  expect(await due()).toEqual([])
})

test('a repeat of an event that led to a retry does not undo the retry', async () => {
  const sent = await buildSent(db.pool)
  const refused = [{ kind: 'rejected', suppressed: false, id: 'r-1', messageId: toPublicId('msg', sent.id) }]
  await store('fake', refused, sent)
  await turn()
  expect(await stateOfSent(db.pool, sent.id)).toEqual({
    statuses: ['failed'],
    events: ['recipient.rejected'],
  })
  for (const status of ['queued', 'sent']) {
    await db.pool.query({
      text: 'update recipient set status = $2 where message_id = $1',
      values: [sent.id, status],
    })
    await store('fake', refused, sent)
    expect(await turn()).toMatchObject({ repeated: 1 })
    expect(await stateOfSent(db.pool, sent.id)).toMatchObject({ statuses: [status] })
  }
})

test('an unknown attempt that an event proves is not repeated, even by a worker that has claimed the message already', async () => {
  const sent = await buildSent(db.pool, ['a@example.net'], {
    outcome: 'unknown',
    status: 'deferred',
    backlog: 'ready',
  })
  const { claims } = await claimMessages(db.pool, {
    depth: 9,
    afterTenant: FIRST_TENANT,
    tenantsMax: 9,
    leaseMs: 60_000,
  })
  const claim = claims.find(({ messageId }) => messageId === sent.id)
  if (!claim) throw new Error('the message was not claimed')
  await store('postmark', postmarkBody('opened', sent), sent)
  expect(await turn()).toMatchObject({ applied: 1 })
  const begun = await beginSending(
    db.batch,
    [{ ...claim, connectionId: null, provider: 'postmark', token: 1 }],
    60_000,
  )
  expect(begun).toEqual([null])
  expect(await stateOfSent(db.pool, sent.id)).toMatchObject({ statuses: ['sent'] })
})

test('a request with 10,000 events is applied as a whole', async () => {
  const addresses = Array.from({ length: 50 }, (_, index) => `user${index}@example.net`)
  const sent = await buildSent(db.pool, addresses)
  const events = Array.from({ length: 10_000 }, (_, index) => ({
    kind: 'clicked',
    byMachine: false,
    id: `e-${index}`,
    messageId: toPublicId('msg', sent.id),
    recipient: addresses[index % 50],
  }))
  await store('fake', events, sent)
  expect(await turn()).toMatchObject({ requests: 1, applied: 10_000 })
  expect((await stateOfSent(db.pool, sent.id)).events).toHaveLength(10_000)
})

test.each([
  { why: 'the database refuses', field: { kind: 'bounced', bounce: 'soft', reason: '\u0000' } },
  { why: 'nobody can read', field: { kind: 'opened', byMachine: false, at: 'yesterday' } },
])(
  'a request that $why holds up no other, is tried again, and is given up at last; its bytes stay',
  async ({ field }) => {
    const good = await Promise.all(Array.from({ length: 6 }, () => buildSent(db.pool)))
    const bad = await buildSent(db.pool)
    const poison = [{ ...field, id: 'p', messageId: toPublicId('msg', bad.id) }]
    for (const [index, sent] of [...good, ...good].entries()) {
      if (index === 5) await store('fake', poison, bad)
      await store('postmark', postmarkBody(index < 6 ? 'delivered' : 'opened', sent), sent)
    }
    const failed: number[] = []
    const applier = createEventApplier({
      pool: db.batch,
      providers,
      failpoint: noFailpoint,
      onApplied: (applied) => failed.push(applied.failed),
      onForeign: () => {},
      onError: () => {},
    })
    applier.start()
    try {
      await vi.waitFor(async () => {
        for (const { id } of good) expect((await stateOfSent(db.pool, id)).statuses).toEqual(['delivered'])
        expect(await due()).toEqual([{ tries: 1 }])
      }, 10_000)
      await vi.waitFor(async () => {
        await isDueNow()
        applier.wake()
        expect(await due()).toEqual([])
      }, 10_000)
    } finally {
      await applier.stop()
    }
    expect(failed.reduce((sum, count) => sum + count, 0)).toBe(1)
    const { rows } = await db.pool.query({
      text: 'select body from provider_event where tenant_id = $1',
      values: [bad.tenantId],
    })
    expect(rows).toEqual([{ body: Buffer.from(JSON.stringify(poison)) }])
  },
)

test.each([
  { place: 'before_events_applied', events: 0 },
  { place: 'after_events_applied_before_commit', events: 0 },
  { place: 'after_events_commit', events: 1 },
])(
  'an applier that ends at $place has applied all of a turn or nothing, and the next one completes it',
  async ({ place, events }) => {
    const sent = await buildSent(db.pool)
    await store('postmark', postmarkBody('delivered', sent), sent)
    const end: Failpoint = (name) => {
      if (name === place) throw new Error('the process ended')
    }
    await expect(turn(end)).rejects.toThrow('the process ended')
    expect((await stateOfSent(db.pool, sent.id)).events).toHaveLength(events)
    expect(await turn()).toMatchObject({ applied: 1 - events })
    expect(await stateOfSent(db.pool, sent.id)).toEqual({
      statuses: ['delivered'],
      events: ['recipient.delivered'],
    })
  },
)

test('a request whose bytes were dropped with their day is taken off the list', async () => {
  const sent = await buildSent(db.pool)
  await store('postmark', postmarkBody('delivered', sent), sent)
  await db.pool.query({ text: 'delete from provider_event where tenant_id = $1', values: [sent.tenantId] })
  expect(await turn()).toMatchObject({ requests: 1, unread: 1 })
  expect(await due()).toEqual([])
})

test('a mail that came back is a bounce of the message that it names', async () => {
  const sent = await buildSent(db.pool, ['a@example.net', 'b@example.net'], { provider: 'smtp' })
  const raw = [
    'From: MAILER-DAEMON@mx.example.net',
    'Return-Path: <>',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.net',
    '',
    'Final-Recipient: rfc822; B@example.net',
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 no such user',
    '',
    '--b',
    'Content-Type: message/rfc822',
    '',
    `X-LG-Id: ${toPublicId('msg', sent.id)}`,
    'Subject: Hello',
    '',
    'Hi',
    '--b--',
    '',
  ].join('\r\n')
  await recordReport(db.batch, { ...sent, raw: Buffer.from(raw) })
  expect(await turn()).toMatchObject({ applied: 1 })
  expect(await stateOfSent(db.pool, sent.id)).toEqual({
    statuses: ['sent', 'bounced'],
    events: ['recipient.bounced'],
  })
  const { rows } = await db.pool.query({
    text: 'select address, reason from suppression where tenant_id = $1',
    values: [sent.tenantId],
  })
  expect(rows).toEqual([{ address: 'b@example.net', reason: 'hard_bounce' }])
})
