import { randomBytes } from 'node:crypto'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildMessage } from '../../test/build-message.ts'
import { noCallbacks } from '../../test/no-callbacks.ts'
import { buildTenant } from '../../test/rows.ts'
import { noFailpoint } from '../lib/index.ts'
import { createAcceptor } from './accept.ts'
import { createConnectionsCheck } from './check-capabilities.ts'
import type { Submission, SubmitOutcome } from './submission.ts'
import { createSubmit } from './submit.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

function submit(tenantId: string, change: Partial<Submission> = {}): Promise<SubmitOutcome> {
  return createSubmit({
    callbacks: noCallbacks,
    acceptor: createAcceptor({
      pool: db.pool,
      wakeWorkers: () => {},
      failpoint: noFailpoint,
      onError: () => {},
    }),
    connectionsCheck: createConnectionsCheck({ tenants: db.tenants, providers: createProviders() }),
  })({
    tenant: { id: tenantId, mode: 'live' },
    messages: [buildMessage()],
    atomic: true,
    idempotency: null,
    ...change,
  })
}

async function countMessages(tenantId: string): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({
    text: 'select count(*)::int as n from message where tenant_id = $1',
    values: [tenantId],
  })
  return rows[0]?.n ?? 0
}

/** Each result in a word: what was stored, or the code of its problem. */
function wordsOf(outcome: SubmitOutcome): string[] {
  if (outcome.kind !== 'accepted' && outcome.kind !== 'replayed') return [outcome.kind]
  return [
    outcome.kind,
    ...outcome.results.map((result) => (result instanceof Problem ? result.code : result.status)),
  ]
}

const key = (bodyHash = randomBytes(32)) => ({ key: 'k', route: 'test', bodyHash })
const unread = () => new Problem('validation-failed', { detail: 'as the door found it' })
/** Names a connection that does not exist. */
const uncarried = () => buildMessage({ connectionId: '01890000-0000-7000-8000-000000000000' })
const recipients = (count: number): NewMessage[] =>
  Array.from({ length: count }, (_, index) => buildMessage({ to: [{ address: `u${index}@example.net` }] }))

describe('one message', () => {
  test('is stored, and a repeat gets the same answer', async () => {
    const tenantId = await buildTenant(db.pool)
    const idempotency = key()
    const first = await submit(tenantId, { idempotency })
    expect(wordsOf(first)).toEqual(['accepted', 'queued'])
    const again = await submit(tenantId, { idempotency })
    expect(again).toEqual({ ...first, kind: 'replayed', quota: null })
    expect(await countMessages(tenantId)).toBe(1)
  })

  test.each([
    ['that could not be read', unread, 'validation-failed'],
    ['that no connection can carry', uncarried, 'connection-not-found'],
  ])('%s is refused, unless it was accepted before', async (_what, message, code) => {
    const tenantId = await buildTenant(db.pool)
    const idempotency = key()
    expect(await submit(tenantId, { messages: [message()], idempotency })).toMatchObject({
      kind: 'refused',
      problem: { code },
      quota: null,
    })
    expect(await countMessages(tenantId)).toBe(0)
    await submit(tenantId, { idempotency })
    const repeat = await submit(tenantId, { messages: [message()], idempotency })
    expect(wordsOf(repeat)).toEqual(['replayed', 'queued'])
  })

  test('over the quota is refused with the remaining quota', async () => {
    const tenantId = await buildTenant(db.pool, { dailyLimit: 1 })
    await submit(tenantId)
    expect(await submit(tenantId)).toMatchObject({
      kind: 'refused',
      problem: { code: 'quota-exceeded', headers: { 'retry-after': expect.stringMatching(/^\d+$/) } },
      quota: { day: { limit: 1, used: 1 } },
    })
  })

  test('with a key that was used for another body is refused', async () => {
    const tenantId = await buildTenant(db.pool)
    await submit(tenantId, { idempotency: key() })
    expect(await submit(tenantId, { idempotency: key() })).toMatchObject({
      kind: 'refused',
      problem: { code: 'idempotency-key-reused' },
    })
  })

  test('that comes too late to be stored is not refused for good: the client may retry', async () => {
    const tenantId = await buildTenant(db.pool)
    expect(await submit(tenantId, { until: performance.now() })).toMatchObject({
      kind: 'unavailable',
      problem: { code: 'storage-unavailable' },
    })
    expect(await countMessages(tenantId)).toBe(0)
  })
})

describe('many messages, each checked separately', () => {
  const mixed = () => [buildMessage(), unread(), uncarried(), buildMessage()]
  const results = ['queued', 'validation-failed', 'connection-not-found', 'queued']

  test('the good ones are stored, and each bad one has its problem in its place', async () => {
    const tenantId = await buildTenant(db.pool)
    const outcome = await submit(tenantId, { messages: mixed(), atomic: false })
    expect(wordsOf(outcome)).toEqual(['accepted', ...results])
    expect(await countMessages(tenantId)).toBe(2)
  })

  test('a repeat gets the same results: the full problem if it is found again, else its code', async () => {
    const tenantId = await buildTenant(db.pool)
    const idempotency = key()
    await submit(tenantId, { messages: mixed(), atomic: false, idempotency })
    const good = [buildMessage(), unread(), buildMessage(), unread()]
    const again = await submit(tenantId, { messages: good, atomic: false, idempotency })
    expect(wordsOf(again)).toEqual(['replayed', ...results])
    expect(again).toMatchObject({ results: [{}, { detail: 'as the door found it' }, {}, {}] })
    const allRefused = mixed().map(() => unread())
    expect(wordsOf(await submit(tenantId, { messages: allRefused, atomic: false, idempotency }))).toEqual([
      ...['replayed', ...results],
    ])
    expect(await countMessages(tenantId)).toBe(2)
  })

  test('if all are refused nothing is stored, not even the key', async () => {
    const tenantId = await buildTenant(db.pool)
    const idempotency = key()
    const outcome = await submit(tenantId, { messages: [unread(), uncarried()], atomic: false, idempotency })
    expect(outcome).toMatchObject({
      kind: 'none-accepted',
      problems: [{ code: 'validation-failed' }, { code: 'connection-not-found' }],
    })
    const later = await submit(tenantId, { messages: mixed(), atomic: false, idempotency: key() })
    expect(later.kind).toBe('accepted')
  })
})

describe('one submission for many messages, all or nothing', () => {
  test('all of a thousand messages are stored together, and a repeat gets all their ids', async () => {
    const tenantId = await buildTenant(db.pool)
    const idempotency = key()
    const first = await submit(tenantId, { messages: recipients(1000), idempotency })
    if (first.kind !== 'accepted') throw new Error(first.kind)
    expect(await countMessages(tenantId)).toBe(1000)
    const again = await submit(tenantId, { messages: recipients(1000), idempotency })
    expect(again).toMatchObject({ kind: 'replayed', results: first.results })
    expect(await countMessages(tenantId)).toBe(1000)
  })

  test('one refused message refuses all', async () => {
    const tenantId = await buildTenant(db.pool)
    const messages = [...recipients(3), uncarried(), ...recipients(3)]
    expect(await submit(tenantId, { messages })).toMatchObject({
      kind: 'refused',
      problem: { code: 'connection-not-found', errors: [{ pointer: '#/messages/3/connection' }] },
    })
    expect(await countMessages(tenantId)).toBe(0)
  })

  test('one recipient too many for the quota refuses all', async () => {
    const tenantId = await buildTenant(db.pool, { dailyLimit: 9 })
    expect(await submit(tenantId, { messages: recipients(10) })).toMatchObject({
      kind: 'refused',
      problem: { code: 'quota-exceeded' },
    })
    expect(await countMessages(tenantId)).toBe(0)
    expect(await submit(tenantId, { messages: recipients(9) })).toMatchObject({ kind: 'accepted' })
  })
})
