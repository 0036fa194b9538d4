import { describe, expect, test } from 'vitest'
import type { ClientRequest } from './client-ledger.ts'
import { type DatabaseView, judge, summarize } from './oracle.ts'
import type { ProviderEntry } from './provider-ledger.ts'

const CLEAN = { lost: 0, repeated: 0, unknown: 0, overQuota: 0, stuck: 0 }

function answered(key: string, ...ids: string[]): ClientRequest {
  return {
    idempotencyKey: key,
    recipients: 1,
    answers: ids.map((messageId) => ({ at: 0, status: 202, messageId })),
  }
}

function unanswered(key: string): ClientRequest {
  return { idempotencyKey: key, recipients: 1, answers: [{ at: 0, status: 0, failure: 'reset' }] }
}

function taken(...ids: string[]): ProviderEntry[] {
  return ids.map((messageId) => ({ at: 0, messageId, bodyHash: '' }))
}

function stored(statuses: Record<string, string>, backlog: string[] = []): DatabaseView {
  const messages = Object.entries(statuses).map(([id, status]) => ({
    id,
    tenantId: 't',
    day: 'd',
    statuses: [status],
  }))
  return {
    messages,
    usage: [{ tenantId: 't', day: 'd', counted: messages.length, limit: 10 }],
    backlog: new Set(backlog),
  }
}

function verdict(client: ClientRequest[], provider: ProviderEntry[], database: DatabaseView) {
  return summarize(judge({ client, provider, database }))
}

describe('the oracle', () => {
  test('finds nothing in a clean run', () => {
    expect(
      verdict(
        [answered('k', 'a'), answered('l', 'b', 'b')],
        taken('a', 'b'),
        stored({ a: 'sent', b: 'sent' }),
      ),
    ).toEqual(CLEAN)
  })

  test.each([
    ['promised but not stored', [answered('k', 'a')], taken(), stored({})],
    ['sent but not stored', [], taken('a'), stored({})],
    ['recorded as sent but never sent', [answered('k', 'a')], taken(), stored({ a: 'sent' })],
    ['waiting although no process works on it', [answered('k', 'a')], taken(), stored({ a: 'queued' })],
    ['held without a connection', [answered('k', 'a')], taken(), stored({ a: 'held' })],
  ])('reports as lost a message that was %s', (_case, client, provider, database) => {
    expect(verdict(client, provider, database)).toEqual({ ...CLEAN, lost: 1 })
  })

  test.each([
    ['sent twice', [answered('k', 'a')], taken('a', 'a'), stored({ a: 'sent' })],
    [
      'promised two ids for one key',
      [answered('k', 'a', 'b')],
      taken('a', 'b'),
      stored({ a: 'sent', b: 'sent' }),
    ],
    [
      'stored without being promised',
      [answered('k', 'a')],
      taken('a', 'b'),
      stored({ a: 'sent', b: 'sent' }),
    ],
    [
      'stored twice for one lost answer',
      [unanswered('k')],
      taken('a', 'b'),
      stored({ a: 'sent', b: 'sent' }),
    ],
  ])('reports as repeated a message that was %s', (_case, client, provider, database) => {
    expect(verdict(client, provider, database)).toEqual({ ...CLEAN, repeated: 1 })
  })

  test('allows the one message of a client that got no answer', () => {
    expect(verdict([unanswered('k')], taken('a'), stored({ a: 'sent' }))).toEqual(CLEAN)
  })

  test('separates unknown attempts that were sent from those that were not', () => {
    const database = stored({ a: 'unknown', b: 'unknown' })
    expect(
      judge({ client: [answered('k', 'a'), answered('l', 'b')], provider: taken('a'), database }).unknown,
    ).toEqual([
      { id: 'a', taken: true },
      { id: 'b', taken: false },
    ])
  })

  test('finds a day over its limit, and a count that differs from what is stored', () => {
    const over = stored({ a: 'sent', b: 'sent' })
    over.usage = [{ tenantId: 't', day: 'd', counted: 2, limit: 1 }]
    const miscounted = stored({ a: 'sent', b: 'sent' })
    miscounted.usage = [{ tenantId: 't', day: 'd', counted: 1, limit: 10 }]
    const client = [answered('k', 'a'), answered('l', 'b')]
    expect(verdict(client, taken('a', 'b'), over).overQuota).toBe(1)
    expect(verdict(client, taken('a', 'b'), miscounted).overQuota).toBe(1)
  })

  test.each(['cancelled', 'failed'])(
    'finds mail that a provider accepted beyond the limit, although it was %s and refunded',
    (status) => {
      const database = stored({ a: status, b: status, c: 'sent' })
      const client = [answered('k', 'a'), answered('l', 'b'), answered('m', 'c')]
      const judged = (limit: number) => {
        database.usage = [{ tenantId: 't', day: 'd', counted: 1, limit }]
        return verdict(client, taken('a', 'b', 'c'), database).overQuota
      }
      expect([judged(2), judged(3)]).toEqual([1, 0])
    },
  )

  test('counts mail that was accepted and is still counted, once', () => {
    const database = stored({ a: 'sent', b: 'unknown' })
    database.usage = [{ tenantId: 't', day: 'd', counted: 2, limit: 2 }]
    const client = [answered('k', 'a'), answered('l', 'b')]
    expect(verdict(client, taken('a', 'b'), database).overQuota).toBe(0)
  })

  test('reports mail in the backlog at the end as stuck', () => {
    expect(verdict([answered('k', 'a')], taken(), stored({ a: 'queued' }, ['a']))).toEqual({
      ...CLEAN,
      stuck: 1,
    })
  })
})
