import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canMove, recipientMoves } from '../../test/recipient-moves.ts'
import {
  messageStatus,
  messageStatusPrecedence,
  pendingStatuses,
  type RecipientStatus,
  recipientStatuses,
} from './recipient-status.ts'

const anyStatus = fc.constantFrom(...recipientStatuses)
const dueAgain: RecipientStatus[] = ['scheduled', 'queued', 'sending', 'deferred', 'held']

/** What a stream of reported statuses leaves behind: allowed moves are made, others change nothing. */
function settle(from: RecipientStatus, reported: RecipientStatus[]): RecipientStatus {
  return reported.reduce((status, next) => (canMove(status, next) ? next : status), from)
}

/** Every status that can follow, by any number of moves. */
function reachable(from: RecipientStatus, without: RecipientStatus[] = []): Set<RecipientStatus> {
  const seen = new Set<RecipientStatus>()
  const open = [from]
  for (let status = open.pop(); status !== undefined; status = open.pop()) {
    for (const next of recipientMoves[status]) {
      if (seen.has(next) || without.includes(next)) continue
      seen.add(next)
      open.push(next)
    }
  }
  return seen
}

describe('recipientMoves', () => {
  test('lists each transition once, and staying is no transition', () => {
    for (const status of recipientStatuses) {
      expect(new Set(recipientMoves[status]).size).toBe(recipientMoves[status].length)
      expect(canMove(status, status)).toBe(false)
    }
  })

  test.each(['sent', 'delivered', 'bounced', 'complained'] as const)(
    'a %s recipient is never due again, unless the provider itself reports failed and the tenant retries',
    (status) => {
      expect([...reachable(status, ['failed'])].filter((next) => dueAgain.includes(next))).toEqual([])
    },
  )

  test('only a retry by the tenant makes a failed recipient pending again', () => {
    expect(recipientMoves.failed.filter((next) => dueAgain.includes(next))).toEqual(['queued'])
  })

  test('cancelled and complained are final', () => {
    expect(reachable('cancelled')).toEqual(new Set())
    expect(reachable('complained')).toEqual(new Set())
  })

  test('a recipient that the provider has cannot be cancelled', () => {
    const cancellable = recipientStatuses.filter((status) => canMove(status, 'cancelled'))
    expect(cancellable).toEqual(pendingStatuses)
  })

  test('every status has a next status or is final', () => {
    for (const status of dueAgain) expect(reachable(status)).toContain('delivered')
  })

  test('the order in which a provider’s events arrive does not matter', () => {
    const events = ['sent', 'suppressed', 'failed', 'delivered', 'bounced', 'complained'] as const
    const start = fc.constantFrom<RecipientStatus>('sending', 'unknown', 'sent')
    const shuffled = fc
      .array(fc.constantFrom(...events), { minLength: 1, maxLength: 8 })
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })))
    fc.assert(
      fc.property(start, shuffled, (from, [list, otherOrder]) => {
        expect(settle(from, otherOrder)).toBe(settle(from, list))
      }),
    )
  })

  test('a bounce after delivered changes the status, and delivered after a bounce does not', () => {
    expect(settle('delivered', ['bounced'])).toBe('bounced')
    expect(settle('bounced', ['delivered', 'sent'])).toBe('bounced')
  })
})

describe('messageStatus', () => {
  test('every status has a place in the precedence', () => {
    expect([...messageStatusPrecedence].sort()).toEqual([...recipientStatuses].sort())
  })

  test('is the status of one of the recipients, in any order of them', () => {
    const statuses = fc.array(anyStatus, { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(statuses, (list) => {
        expect(list).toContain(messageStatus(list))
        expect(messageStatus(list.toReversed())).toBe(messageStatus(list))
      }),
    )
  })

  test.each<[RecipientStatus[], RecipientStatus]>([
    [['delivered', 'sending', 'failed'], 'sending'],
    [['sent', 'deferred'], 'deferred'],
    [['queued', 'deferred'], 'queued'],
    [['unknown', 'failed', 'sent'], 'unknown'],
    [['held', 'unknown'], 'held'],
    [['delivered', 'bounced'], 'bounced'],
    [['delivered', 'sent'], 'sent'],
    [['delivered', 'suppressed', 'cancelled'], 'delivered'],
    [['suppressed', 'cancelled'], 'suppressed'],
  ])('%j is %s', (statuses, expected) => {
    expect(messageStatus(statuses)).toBe(expected)
  })

  test('an empty list of recipients is an error of the caller', () => {
    expect(() => messageStatus([])).toThrow(RangeError)
  })
})
