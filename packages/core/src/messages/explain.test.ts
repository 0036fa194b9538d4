import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import { expect, test } from 'vitest'
import { waitReasons } from '../throttle/index.ts'
import { explain } from './explain.ts'
import type { AttemptRow } from './sql/read-attempts.ts'
import type { ExplainRow } from './sql/read-explain.ts'

const routeId = '0190a000-0000-7000-8000-000000000001'
const until = new Date('2026-11-20T10:00:00Z')

function message(...statuses: RecipientStatus[]) {
  return {
    sendAt: null,
    recipients: statuses.map((status, index) => ({
      kind: 'to' as const,
      name: null,
      status,
      updatedAt: '',
      address: `n${index}@x.example`,
      reason: status === 'held' ? 'provider-required: no connection is configured' : null,
    })),
  }
}

const row = (change: Partial<ExplainRow>): ExplainRow => ({
  state: 'waiting',
  due_at: until,
  first_due_at: until,
  retry_hours: 48,
  lost_workers: 0,
  wait_for: null,
  wait_why: null,
  held_at: null,
  ahead: 0,
  health: null,
  ...change,
})

const attempt = (change: Partial<AttemptRow> = {}): AttemptRow => ({
  number: 1,
  connection_id: 'c1',
  provider: 'smtp',
  started_at: until,
  finished_at: until,
  outcome: 'deferred',
  scope: null,
  code: 'provider-unavailable',
  reason: '503 down',
  choice: null,
  provider_message_id: null,
  addresses: ['n0@x.example'],
  ...change,
})

const refusedAll: Partial<AttemptRow> = {
  outcome: 'rejected',
  scope: 'message',
  code: 'recipient-refused',
  reason: '422 invalid',
  addresses: ['n0@x.example', 'n1@x.example'],
}

const health = {
  state: 'open' as const,
  code: 'provider-unavailable',
  reason: '503 down',
  pause_reason: '429 slow down',
}

test.each<[string, RecipientStatus[], ExplainRow | null, AttemptRow[], object[]]>([
  ['scheduled', ['scheduled'], row({}), [], [{ code: 'scheduled', until, recipients: ['n0@x.example'] }]],
  ['in the backlog', ['queued'], row({ state: 'ready', ahead: 7 }), [], [{ code: 'backlog', ahead: 7 }]],
  ['in a worker’s hands', ['queued'], row({ state: 'claimed' }), [], [{ code: 'backlog', ahead: 0 }]],
  [
    'at its provider',
    ['sending'],
    row({ state: 'sending' }),
    [],
    [{ code: 'being-sent', recipients: ['n0@x.example'] }],
  ],
  [
    'waiting for a rate',
    ['queued'],
    row({ wait_why: 'rate', wait_for: 'c1' }),
    [],
    [{ code: 'limiter-wait', connectionId: 'c1', until, detail: expect.stringContaining('reserved') }],
  ],
  [
    'waiting for a rate that is reached for long',
    ['queued'],
    row({ wait_why: 'rate-far', wait_for: 'c1' }),
    [],
    [{ code: 'limiter-wait', connectionId: 'c1', until, detail: expect.stringContaining('an hour ahead') }],
  ],
  [
    'waiting for calls to end',
    ['queued'],
    row({ wait_why: 'concurrency', wait_for: 'c1', health }),
    [],
    [
      {
        code: 'limiter-wait',
        connectionId: 'c1',
        failure: null,
        detail: expect.stringContaining('its concurrency limit is reached'),
      },
    ],
  ],
  [
    'waiting for tomorrow',
    ['queued'],
    row({ wait_why: 'day', wait_for: 'c1' }),
    [],
    [{ code: 'limiter-wait', detail: expect.stringContaining('its daily limit is used up') }],
  ],
  [
    'waiting for a paused connection',
    ['queued'],
    row({ wait_why: 'paused', wait_for: 'c1', health }),
    [],
    [{ code: 'connection-paused', detail: expect.stringContaining('429 slow down') }],
  ],
  [
    'waiting for a connection that is down',
    ['queued'],
    row({ wait_why: 'circuit', wait_for: 'c1', health }),
    [],
    [
      {
        code: 'circuit-open',
        failure: 'provider-unavailable',
        until,
        detail: expect.stringContaining('503 down'),
      },
    ],
  ],
  [
    'deferred',
    ['deferred', 'sent'],
    row({}),
    [attempt()],
    [
      {
        code: 'waits-for-retry',
        until,
        recipients: ['n0@x.example'],
        detail: expect.stringContaining('48 hours'),
      },
      { code: 'last-answer', failure: 'provider-unavailable', connectionId: 'c1' },
    ],
  ],
  [
    'suppressed, and one that is not',
    ['suppressed', 'sent'],
    null,
    [],
    [
      {
        code: 'suppressed',
        recipients: ['n0@x.example'],
        detail: expect.stringContaining('GET /v1/suppressions/{address}'),
      },
      { code: 'ended' },
    ],
  ],
  [
    'held',
    ['held'],
    row({}),
    [],
    [{ code: 'provider-required', detail: 'The message is held: no connection is configured.' }],
  ],
  [
    'unknown',
    ['unknown'],
    null,
    [attempt({ outcome: 'unknown', code: 'outcome-unknown' })],
    [{ code: 'unknown', failure: 'outcome-unknown' }, { code: 'last-answer' }],
  ],
  [
    'sent, by a route',
    ['sent'],
    null,
    [
      attempt({
        outcome: 'accepted',
        code: null,
        reason: null,
        choice: { rule: 'route', route: routeId, skipped: [] },
      }),
    ],
    [
      {
        code: 'last-answer',
        detail: expect.stringContaining(`because route ${toPublicId('rte', routeId)} matches the message.`),
      },
      { code: 'ended' },
    ],
  ],
  [
    'refused because of one of several, who go alone from now on',
    ['queued', 'queued'],
    row({ state: 'ready' }),
    [attempt({ ...refusedAll, started_at: until })],
    [
      { code: 'backlog' },
      { code: 'last-answer', detail: expect.stringMatching(/each recipient now gets an attempt of its own/) },
    ],
  ],
  [
    'refused because of several, and tried again by the tenant since',
    ['queued', 'queued'],
    row({ state: 'ready', first_due_at: new Date(until.getTime() + 1) }),
    [attempt({ ...refusedAll, started_at: until })],
    [
      { code: 'backlog' },
      { code: 'last-answer', detail: expect.not.stringContaining('an attempt of its own') },
    ],
  ],
  [
    'gone alone',
    ['sent'],
    null,
    [
      attempt({
        outcome: 'accepted',
        code: null,
        reason: null,
        choice: { rule: 'priority', route: null, skipped: [], alone: true },
      }),
    ],
    [
      {
        code: 'last-answer',
        detail: expect.stringContaining('The attempt was for one recipient only'),
      },
      { code: 'ended' },
    ],
  ],
])('%s: every reason, the most important first', (_, statuses, backlog, attempts, reasons) => {
  const seen = { message: message(...statuses), backlog, attempts, routeId: null, mode: 'live' as const }
  expect(explain(seen)).toEqual(reasons.map((expected) => expect.objectContaining(expected)))
})

const captured = attempt({
  outcome: 'accepted',
  code: null,
  reason: null,
  connection_id: null,
  provider: 'capture',
  choice: { rule: 'fallback', route: null, skipped: [] },
})

test.each([
  ['live', /^No connection is configured, so .* captured and not sent\..* POST \/v1\/connections/],
  ['test', /^A test key accepted the message, so .* captured and not sent\..* use a live key/],
] as const)('a message that was only captured is explained, with the way to send one: %s', (mode, text) => {
  const [first] = explain({
    message: message('sent'),
    backlog: null,
    attempts: [captured],
    routeId: null,
    mode,
  })
  expect(first).toMatchObject({ code: 'last-answer', detail: expect.stringMatching(text) })
})

test.each(['rate', 'rate-far', 'day', 'concurrency'] as const)(
  'a wait for a limit has the same words here and with an attempt: %s',
  (why) => {
    const backlog = row({ wait_why: why, wait_for: 'c1' })
    const [first] = explain({
      message: message('queued'),
      backlog,
      attempts: [],
      routeId: null,
      mode: 'live',
    })
    expect(first?.detail).toContain(waitReasons[why])
  },
)

test('a message without an attempt names the route that fits it', () => {
  const [first] = explain({
    message: message('queued'),
    backlog: row({ state: 'ready' }),
    attempts: [],
    routeId,
    mode: 'live',
  })
  expect(first?.detail).toBe(
    `The message is the next of yours to be sent. Route ${toPublicId('rte', routeId)} matches it.`,
  )
})
