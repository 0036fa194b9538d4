import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import { canMove, recipientMoves } from '@lettergate/contracts/test/recipient-moves'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createProviders } from '@lettergate/providers/registry'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buildSent,
  postmarkBody,
  type ReportedKind,
  type SentMessage,
  stateOfSent,
} from '../../test/sent-message.ts'
import { noFailpoint } from '../lib/index.ts'
import { applyTurn } from './apply-turn.ts'
import { insertProviderEvents } from './sql/insert-provider-events.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(async () => {
  await db.drop()
})

const providers = createProviders()

/** The type and the status of each kind of event. */
const meaning: Record<ReportedKind, { type: string; status: RecipientStatus }> = {
  delivered: { type: 'recipient.delivered', status: 'delivered' },
  soft: { type: 'recipient.delayed', status: 'sent' },
  bounced: { type: 'recipient.bounced', status: 'bounced' },
  complained: { type: 'recipient.complained', status: 'complained' },
  opened: { type: 'recipient.opened', status: 'sent' },
  clicked: { type: 'recipient.clicked', status: 'sent' },
  unsubscribed: { type: 'recipient.unsubscribed', status: 'sent' },
}

type Reported = { kind: ReportedKind; recipient: number; second: number }

/** What a set of events means, whatever their order. */
function expectedState(reported: readonly Reported[], recipients: number) {
  const distinct = [...new Map(reported.map((event) => [JSON.stringify(event), event])).values()]
  const statuses = Array.from({ length: recipients }, (_, position) =>
    distinct
      .filter(({ recipient }) => recipient === position)
      .map(({ kind }) => meaning[kind].status)
      .reduce<RecipientStatus>((highest, status) => (canMove(highest, status) ? status : highest), 'sent'),
  )
  return { statuses, events: distinct.map(({ kind }) => meaning[kind].type).sort() }
}

async function report(sent: SentMessage, reported: readonly Reported[]): Promise<void> {
  await insertProviderEvents(
    db.batch,
    reported.map(({ kind, recipient, second }) => {
      const at = new Date(Date.UTC(2026, 10, 1, 12, 0, second))
      const body = postmarkBody(kind, sent, { at, address: sent.addresses[recipient] ?? '' })
      return { ...sent, provider: 'postmark', headers: '{}', body }
    }),
  )
}

async function applyAll(limit: number): Promise<void> {
  const deps = { pool: db.batch, providers, failpoint: noFailpoint }
  while ((await applyTurn(deps, { limit })).applied.requests > 0);
}

const kinds: ReportedKind[] = [
  'delivered',
  'soft',
  'bounced',
  'complained',
  'opened',
  'clicked',
  'unsubscribed',
]
const oneEvent = fc.record({
  kind: fc.constantFrom(...kinds),
  recipient: fc.nat({ max: 1 }),
  second: fc.nat({ max: 2 }),
})

test('the events of a message end in the same state in every order, in turns of any size, and however often they are repeated', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(oneEvent, { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 5 }),
      async (deliveries, limit) => {
        const sent = await buildSent(db.pool, ['a@example.net', 'b@example.net'])
        for (const reported of deliveries) {
          await report(sent, reported)
          await applyAll(limit)
        }
        const reported = deliveries.flat()
        await report(sent, reported.toReversed())
        await applyAll(limit)
        expect(await stateOfSent(db.pool, sent.id)).toEqual(expectedState(reported, 2))
      },
    ),
    { numRuns: 20 },
  )
})

test('two appliers that get the same events at the same time apply each of them once', async () => {
  const all = await Promise.all(Array.from({ length: 12 }, () => buildSent(db.pool)))
  const reported = (['delivered', 'opened', 'clicked'] as const).map((kind) => ({
    kind,
    recipient: 0,
    second: 1,
  }))
  for (let round = 0; round < 4; round++) {
    await Promise.all((round % 2 === 0 ? all : all.toReversed()).map((sent) => report(sent, reported)))
  }
  await Promise.all([applyAll(7), applyAll(7), applyAll(11)])
  for (const { id } of all) {
    expect(await stateOfSent(db.pool, id)).toEqual(expectedState(reported, 1))
  }
  const { rows } = await db.pool.query({
    text: `select count(*)::int4 as events, count(distinct f.seq)::int4 as fed
           from event e left join feed f on f.message_id = e.message_id and f.seq = e.seq where e.message_id = any ($1)`,
    values: [all.map(({ id }) => id)],
  })
  expect(rows).toEqual([{ events: 36, fed: 36 }])
})

test('the order of statuses in the database is that of the table of moves', async () => {
  const chain = Object.keys(recipientMoves).filter(
    (status) => status === 'unknown' || status === 'cancelled' || canMoveFromUnknown(status),
  )
  const { rows } = await db.pool.query<{ low: RecipientStatus; high: RecipientStatus; rises: boolean }>({
    text: `select a.status as low, b.status as high, status_rank(b.status) > status_rank(a.status) as rises
           from unnest($1::text[]) a (status), unnest($1::text[]) b (status)`,
    values: [chain],
  })
  expect(rows).toHaveLength(chain.length ** 2)
  for (const { low, high, rises } of rows) {
    // Only a person cancels, so no event ever asks whether a status may become that.
    if (high !== 'cancelled') expect([low, high, rises]).toEqual([low, high, canMove(low, high)])
  }
})

function canMoveFromUnknown(status: string): boolean {
  return recipientMoves.unknown.some((to) => to === status && !['queued', 'sending', 'deferred'].includes(to))
}
