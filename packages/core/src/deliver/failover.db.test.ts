import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { buildMessage } from '../../test/build-message.ts'
import { accepted, buildFleet, type FakeConnection } from '../../test/fleet.ts'

let db: TestDatabase
let fleet: Awaited<ReturnType<typeof buildFleet>>
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
})
afterEach(() => fleet.stop())
afterAll(() => db.drop())

const works: FakeConnection = { answer: () => accepted }
const dead: FakeConnection = { answer: () => toFailure('provider-unavailable', '503 down') }
const badPassword: FakeConnection = { answer: () => toFailure('provider-credentials-refused', '535 no') }
const to = (n: number) => Array.from({ length: n }, (_, index) => [`n${index}@example.net`])
const connections = () => fleet.sent.map(({ connection }) => connection)
const isEmpty = async () => (await fleet.backlog()).length === 0

test('a message fails over from two dead connections immediately, and each attempt has its reason', async () => {
  fleet = await buildFleet(db, [dead, badPassword, works])
  await fleet.accept(...to(1))
  const before = Date.now()
  await fleet.run(isEmpty)
  expect(Date.now() - before).toBeLessThan(2_000)
  expect(connections()).toEqual([0, 1, 2])
  expect(await fleet.statuses()).toEqual({ sent: 1 })
  expect(await fleet.attempts()).toMatchObject([
    { connection: 0, code: 'provider-unavailable', choice: { rule: 'priority', skipped: [] } },
    { connection: 1, code: 'provider-credentials-refused' },
    {
      connection: 2,
      code: null,
      choice: {
        skipped: [
          { connection: fleet.ids[0], why: 'an earlier attempt failed: provider-unavailable' },
          { connection: fleet.ids[1], why: 'an earlier attempt failed: provider-credentials-refused' },
        ],
      },
    },
  ])
})

test('a file that a connection cannot carry is sent by the next one, without a failing call', async () => {
  const small: FakeConnection = { ...works, capabilities: { messageBytesMax: 10_000 } }
  const noImages: FakeConnection = { ...works, capabilities: { inlineImages: false } }
  fleet = await buildFleet(db, [small, noImages, works])
  const image = { filename: 'a.png', contentType: 'image/png', content: Buffer.alloc(9_000) }
  const message = buildMessage({ attachments: [{ ...image, disposition: 'inline', contentId: 'logo' }] })
  await fleet.acceptAll([message])
  await fleet.run(isEmpty)
  expect(connections()).toEqual([2])
  expect((await fleet.attempts())[0]?.choice?.skipped).toEqual([
    {
      connection: fleet.ids[0],
      why: expect.stringMatching(/^cannot send this message: the message is larger/),
    },
    {
      connection: fleet.ids[1],
      why: expect.stringMatching(/^cannot send this message: \/attachments\/0\/disposition/),
    },
  ])
})

test('after all connections were tried, a message waits as long as with a single connection', async () => {
  fleet = await buildFleet(db, [dead, dead])
  await fleet.accept(...to(1))
  await fleet.run(async () => (await fleet.backlog())[0]?.state === 'waiting')
  expect(connections()).toEqual([0, 1])
  const [waits] = await fleet.backlog()
  expect(waits?.in_ms).toBeGreaterThan(45_000)
  expect(waits?.in_ms).toBeLessThan(75_000)
})

test('an unknown outcome never moves to another connection', async () => {
  for (const onUnknown of ['hold', 'resend'] as const) {
    fleet = await buildFleet(db, [{ answer: () => toFailure('outcome-unknown', 'no answer') }, works], {
      onUnknown,
    })
    await fleet.accept(...to(1))
    await fleet.run(async () => (await fleet.backlog()).every(({ state }) => state === 'waiting'))
    expect(connections()).toEqual([0])
    await db.pool.query({ text: 'update outbox set due_at = now()' })
    await fleet.run(async () => fleet.sent.length > 1 || (await isEmpty()))
    expect(connections()).toEqual(onUnknown === 'hold' ? [0] : [0, 0])
    if (onUnknown === 'hold') await fleet.stop()
  }
})

test('a refused repeat of an unknown attempt does not move either: the first attempt may have been accepted', async () => {
  let tries = 0
  const uncertain: FakeConnection = {
    answer: () =>
      tries++ === 0 ? toFailure('outcome-unknown', 'no answer') : toFailure('provider-unavailable', '503'),
    capabilities: { idempotencyWindowMs: 86_400_000 },
  }
  fleet = await buildFleet(db, [uncertain, works])
  await fleet.accept(...to(1))
  for (const n of [1, 2]) {
    await fleet.run(async () => fleet.sent.length === n && (await fleet.backlog())[0]?.state === 'waiting')
    await db.pool.query({ text: 'update outbox set due_at = now()' })
  }
  await fleet.run(() => fleet.sent.length === 3)
  expect(connections()).toEqual([0, 0, 0])
})

test('a message that its provider rejects for its content is not offered to other connections', async () => {
  fleet = await buildFleet(db, [{ answer: () => toFailure('message-refused', '550 spam') }, works])
  await fleet.accept(...to(1))
  await fleet.run(isEmpty)
  expect(connections()).toEqual([0])
  expect(await fleet.statuses()).toEqual({ failed: 1 })
})

const strange: FakeConnection = { answer: () => toFailure('refusal-unrecognised', '550 no') }

test('a message with an unrecognised refusal is tried on one other connection only', async () => {
  fleet = await buildFleet(db, [strange, works])
  await fleet.accept(...to(1))
  await fleet.run(isEmpty)
  expect(connections()).toEqual([0, 1])
  expect(await fleet.statuses()).toEqual({ sent: 1 })
  await fleet.stop()
  fleet = await buildFleet(db, [strange, strange, works])
  await fleet.accept(...to(1))
  await fleet.run(isEmpty)
  expect(connections()).toEqual([0, 1])
  expect(await fleet.statuses()).toEqual({ failed: 1 })
})

test('a connection with an unrecognised refusal is not tried again while another is only busy', async () => {
  let tries = 0
  const recovers: FakeConnection = {
    answer: () => (tries++ === 0 ? toFailure('recipient-deferred', '451 later') : accepted),
  }
  fleet = await buildFleet(db, [strange, recovers])
  await fleet.accept(...to(1))
  await fleet.run(async () => (await fleet.backlog())[0]?.state === 'waiting')
  await db.pool.query({ text: 'update outbox set due_at = now()' })
  await fleet.run(isEmpty)
  expect(connections()).toEqual([0, 1, 1])
  expect(await fleet.statuses()).toEqual({ sent: 1 })
})

test('a recipient with an unrecognised refusal is tried on another connection, and the others are sent once', async () => {
  const refusesB: FakeConnection = {
    answer: ({ envelopeTo }) => ({
      ...accepted,
      refused: envelopeTo
        .filter((address) => address.startsWith('b'))
        .map((address) => ({
          address,
          kind: 'rejected' as const,
          code: 'refusal-unrecognised' as const,
          reason: '550 no',
        })),
    }),
  }
  fleet = await buildFleet(db, [refusesB, works])
  await fleet.accept(['a@x.example', 'b@x.example', 'c@x.example'])
  await fleet.run(isEmpty)
  expect(fleet.sent.map(({ connection, to }) => [connection, to])).toEqual([
    [0, ['a@x.example', 'b@x.example', 'c@x.example']],
    [1, ['b@x.example']],
  ])
  expect(await fleet.statuses()).toEqual({ sent: 3 })
})

const tooLarge: FakeConnection = { answer: () => toFailure('message-too-large', '552 5.3.4 too big') }

test('a message that is too large for one connection uses the next, and fails when it is too large for all', async () => {
  fleet = await buildFleet(db, [tooLarge, tooLarge, works])
  await fleet.accept(...to(1))
  await fleet.run(isEmpty)
  expect(connections()).toEqual([0, 1, 2])
  expect(await fleet.statuses()).toEqual({ sent: 1 })
  await fleet.stop()
  fleet = await buildFleet(db, [tooLarge, tooLarge])
  await fleet.accept(...to(1))
  await fleet.run(isEmpty)
  expect(connections()).toEqual([0, 1])
  expect(await fleet.statuses()).toEqual({ failed: 1 })
})

test('a message that is too large for one connection waits for another that is failing', async () => {
  let isDown = true
  const recovers: FakeConnection = {
    answer: () => (isDown ? toFailure('provider-unavailable', '503 down') : accepted),
  }
  fleet = await buildFleet(db, [tooLarge, recovers])
  await fleet.accept(...to(1))
  await fleet.run(async () => (await fleet.backlog())[0]?.state === 'waiting')
  expect(await fleet.statuses()).toEqual({ deferred: 1 })
  isDown = false
  await db.pool.query({ text: 'update outbox set due_at = now()' })
  await fleet.run(isEmpty)
  expect(await fleet.statuses()).toEqual({ sent: 1 })
})

test('attempts that did not begin do not lengthen the wait after one that did', async () => {
  let tries = 0
  const answer = () =>
    tries++ < 3 ? toFailure('connection-busy', 'busy') : toFailure('recipient-deferred', '451 greylisted')
  fleet = await buildFleet(db, [{ answer }])
  await fleet.accept(...to(1))
  for (const n of [1, 2, 3, 4]) {
    await fleet.run(async () => fleet.sent.length === n && (await fleet.backlog())[0]?.state === 'waiting')
    if (n < 4) await db.pool.query({ text: 'update outbox set due_at = now()' })
  }
  const [waits] = await fleet.backlog()
  expect(waits?.in_ms).toBeGreaterThan(40_000)
  expect(waits?.in_ms).toBeLessThan(75_000)
})

test('a message is sent in as many calls as the provider needs, each recipient in exactly one', async () => {
  fleet = await buildFleet(db, [{ ...works, capabilities: { recipientsMax: 20 } }])
  const all = Array.from({ length: 50 }, (_, index) => `n${index}@example.net`)
  await fleet.accept(all)
  await fleet.run(isEmpty)
  expect(fleet.sent.map((one) => one.to)).toEqual([all.slice(0, 20), all.slice(20, 40), all.slice(40)])
  expect(await fleet.statuses()).toEqual({ sent: 50 })
  expect((await fleet.attempts()).map(({ number }) => number)).toEqual([1, 2, 3])
})

test('recipients of a lost attempt do not stop the others from being sent', async () => {
  let calls = 0
  const answer = () => (calls++ === 0 ? toFailure('outcome-unknown', 'no answer') : accepted)
  fleet = await buildFleet(db, [{ answer, capabilities: { recipientsMax: 2 } }])
  await fleet.accept(['a@x.example', 'b@x.example', 'c@x.example'])
  await fleet.run(isEmpty)
  expect(fleet.sent.map((one) => one.to)).toEqual([['a@x.example', 'b@x.example'], ['c@x.example']])
  expect(await fleet.statuses()).toEqual({ unknown: 2, sent: 1 })
})

test('all selections of recipients of a deferred message come again, each once a round', async () => {
  let isDown = true
  const answer = () => (isDown ? toFailure('recipient-deferred', '451 later') : accepted)
  fleet = await buildFleet(db, [{ answer, capabilities: { recipientsMax: 2 } }])
  await fleet.accept(['a@x.example', 'b@x.example', 'c@x.example'])
  const allWait = async () => (await fleet.backlog())[0]?.state === 'waiting'
  await fleet.run(allWait)
  expect(fleet.sent).toHaveLength(2)
  await db.pool.query({ text: 'update outbox set due_at = now()' })
  await fleet.run(async () => fleet.sent.length === 4 && (await allWait()))
  expect(await fleet.statuses()).toEqual({ deferred: 3 })
  isDown = false
  await db.pool.query({ text: 'update outbox set due_at = now()' })
  await fleet.run(isEmpty)
  expect(fleet.sent).toHaveLength(6)
  expect(await fleet.statuses()).toEqual({ sent: 3 })
})

test('recipients that a call did not try follow immediately, for any outcome of the others', async () => {
  const domainOf = (address = '') => address.split('@')[1]
  const oneDomain: FakeConnection = {
    answer({ envelopeTo }) {
      const first = domainOf(envelopeTo[0])
      const others = envelopeTo.filter((address) => domainOf(address) !== first)
      const code = 'recipient-deferred' as const
      const refused = others.map((address) => ({
        address,
        code,
        kind: 'deferred' as const,
        reason: 'another host',
        retryAfterMs: 0,
      }))
      if (first === 'slow.example') return { kind: 'deferred', code, reason: '451 greylisted', refused }
      return { ...accepted, refused }
    },
  }
  fleet = await buildFleet(db, [oneDomain])
  await fleet.accept(['a@slow.example', 'b@x.example', 'c@y.example', 'd@x.example'])
  await fleet.run(async () => (await fleet.backlog())[0]?.state === 'waiting')
  expect(fleet.sent.map((one) => one.to)).toEqual([
    ['a@slow.example', 'b@x.example', 'c@y.example', 'd@x.example'],
    ['b@x.example', 'c@y.example', 'd@x.example'],
    ['c@y.example'],
  ])
  expect(await fleet.statuses()).toEqual({ deferred: 1, sent: 3 })
  const [waits] = await fleet.backlog()
  expect(waits?.in_ms).toBeGreaterThan(40_000)
})
