import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { classOf, failureCodes } from '@lettergate/providers/lib/failures'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import type { OutboundMessage, SendOutcome } from '@lettergate/providers/provider'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { buildMessage, eventually } from '../../test/build-message.ts'
import { accepted, buildFleet, type FakeConnection } from '../../test/fleet.ts'
import { sweepSteps } from '../sweep/index.ts'

let db: TestDatabase
let fleet: Awaited<ReturnType<typeof buildFleet>>
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
})
afterEach(() => fleet.stop())
afterAll(() => db.drop())

const BAD = 'bad@x.example'
const ALL = ['a@x.example', BAD, 'c@x.example']
const refused = toFailure('recipient-refused', '422 an address is invalid')

/** A provider that refuses a whole call because of one recipient, and does not name it. */
function strict(
  otherwise: (message: OutboundMessage) => SendOutcome | Promise<SendOutcome> = () => accepted,
) {
  return (message: OutboundMessage) => (message.envelopeTo.includes(BAD) ? refused : otherwise(message))
}

const calls = () => fleet.sent.map(({ to }) => to)
const isEmpty = async () => (await fleet.backlog()).length === 0
const waits = async () => (await fleet.backlog())[0]?.state === 'waiting'
const makeDue = () => db.pool.query({ text: 'update outbox set due_at = now()' })

async function rows() {
  const { rows } = await db.pool.query<{ address: string; status: string; reason: string | null }>({
    text: 'select address, status, reason from recipient order by position',
  })
  return rows
}

async function counted(): Promise<number | undefined> {
  const { rows } = await db.pool.query<{ accepted: number }>({ text: 'select accepted from usage' })
  return rows[0]?.accepted
}

test.each(failureCodes.filter((code) => classOf(code).mayBeOneOfMany))(
  'of three recipients that %s refused because of one, two are sent, and one fails and is refunded',
  async (code) => {
    const answer = (message: OutboundMessage) =>
      message.envelopeTo.includes(BAD) ? toFailure(code, '422 invalid') : accepted
    fleet = await buildFleet(db, [{ answer }])
    await fleet.accept(ALL)
    await fleet.run(isEmpty)
    expect(calls()).toEqual([ALL, ['a@x.example'], [BAD], ['c@x.example']])
    expect(await rows()).toEqual([
      { address: 'a@x.example', status: 'sent', reason: null },
      { address: BAD, status: 'failed', reason: '422 invalid' },
      { address: 'c@x.example', status: 'sent', reason: null },
    ])
    expect(await counted()).toBe(2)
  },
)

test('each call of a split is an attempt of its own, with the reason for its single recipient', async () => {
  fleet = await buildFleet(db, [{ answer: strict() }])
  await fleet.accept(ALL)
  await fleet.run(isEmpty)
  const { rows } = await db.pool.query({
    text: `select number, recipients, outcome, (choice->>'alone')::boolean as alone from attempt order by number`,
  })
  expect(rows).toEqual([
    { number: 1, recipients: [0, 1, 2], outcome: 'rejected', alone: null },
    { number: 2, recipients: [0], outcome: 'accepted', alone: true },
    { number: 3, recipients: [1], outcome: 'rejected', alone: true },
    { number: 4, recipients: [2], outcome: 'accepted', alone: true },
  ])
})

test('a provider that recognises repeats gets a key of its own for each single recipient', async () => {
  const keys: string[] = []
  const answer = (message: OutboundMessage) => {
    keys.push(message.attemptKey)
    return strict()(message)
  }
  fleet = await buildFleet(db, [{ answer, capabilities: { idempotencyWindowMs: 86_400_000 } }])
  await fleet.accept(ALL)
  await fleet.run(isEmpty)
  expect(new Set(keys).size).toBe(4)
})

test('a message to several recipients names them all in every call', async () => {
  const headers: object[] = []
  const answer = (message: OutboundMessage) => {
    headers.push({ id: message.id, to: message.to.map(({ address }) => address) })
    return strict()(message)
  }
  fleet = await buildFleet(db, [{ answer }])
  await fleet.accept(ALL)
  await fleet.run(isEmpty)
  expect(headers).toHaveLength(4)
  for (const one of headers) expect(one).toEqual({ ...headers[0], to: ALL })
})

test('when the provider names the refused recipient, the others follow immediately in one call', async () => {
  const naming: FakeConnection = {
    answer: ({ envelopeTo }) =>
      envelopeTo.includes(BAD) && refused.kind === 'rejected'
        ? {
            ...refused,
            refused: [{ address: BAD, kind: 'rejected', code: 'recipient-refused', reason: 'inactive' }],
          }
        : accepted,
  }
  fleet = await buildFleet(db, [naming])
  await fleet.accept(ALL)
  await fleet.run(isEmpty)
  expect(calls()).toEqual([ALL, ['a@x.example', 'c@x.example']])
  expect((await rows()).map(({ status, reason }) => [status, reason])).toEqual([
    ['sent', null],
    ['failed', 'inactive'],
    ['sent', null],
  ])
  expect(await counted()).toBe(2)
})

test('a worker lost in the middle of a split makes only the recipient of its call unknown', async () => {
  const gate = Promise.withResolvers<SendOutcome>()
  const held = 'c@x.example'
  fleet = await buildFleet(db, [
    { answer: strict(({ envelopeTo }) => (envelopeTo[0] === held ? gate.promise : accepted)) },
  ])
  await fleet.accept([...ALL, 'd@x.example'])
  const running = fleet.run(isEmpty)
  await eventually(async () => (fleet.sent.length === 4 ? true : undefined))
  await db.pool.query({ text: `update outbox set lease_until = now() - interval '1 s'` })
  expect(await sweepSteps.giveUpLostSending({ pool: db.pool, repeatWindowMs: () => 0 })).toBe(1)
  gate.resolve(toFailure('outcome-unknown', 'too late'))
  await running
  expect((await rows()).map(({ status }) => status)).toEqual(['sent', 'failed', 'unknown', 'sent'])
  expect(await counted()).toBe(3)
  expect(calls().filter(([first]) => first === held)).toHaveLength(1)
})

test('a lost call of a split is repeated if the provider knows its key, and the others do not wait for it', async () => {
  let isLost = true
  const answer = strict(({ envelopeTo }) =>
    isLost && envelopeTo[0] === 'a@x.example' ? toFailure('outcome-unknown', 'no answer') : accepted,
  )
  fleet = await buildFleet(db, [{ answer, capabilities: { idempotencyWindowMs: 900_000 } }])
  await fleet.accept(ALL)
  await fleet.run(waits)
  expect((await rows()).map(({ status }) => status)).toEqual(['deferred', 'failed', 'sent'])
  isLost = false
  await makeDue()
  await fleet.run(isEmpty)
  expect(calls().slice(4)).toEqual([['a@x.example']])
  expect((await rows()).map(({ status }) => status)).toEqual(['sent', 'failed', 'sent'])
})

test('recipients deferred in a split stay single, and their backoff counts their own attempts', async () => {
  let isDown = true
  const later = () => (isDown ? toFailure('recipient-deferred', '451 later') : accepted)
  fleet = await buildFleet(db, [{ answer: strict(later) }])
  const many = Array.from({ length: 6 }, (_, index) => `n${index}@x.example`)
  await fleet.accept([BAD, ...many])
  await fleet.run(waits)
  expect(await fleet.statuses()).toEqual({ failed: 1, deferred: 6 })
  // The first wait is a minute; that of a message that was deferred six times would be hours.
  expect((await fleet.backlog())[0]?.in_ms).toBeLessThan(75_000)
  isDown = false
  await makeDue()
  await fleet.run(isEmpty)
  expect(calls().slice(8)).toEqual(many.map((address) => [address]))
  expect(await fleet.statuses()).toEqual({ failed: 1, sent: 6 })
})

test('a retry by the tenant starts a new round: single recipients share a call again', async () => {
  let isDown = true
  fleet = await buildFleet(db, [
    { answer: strict(() => (isDown ? toFailure('recipient-deferred', '451 later') : accepted)) },
  ])
  await fleet.accept(ALL)
  await fleet.run(waits)
  isDown = false
  await db.pool.query({ text: 'update outbox set due_at = now(), first_due_at = now()' })
  await fleet.run(isEmpty)
  expect(calls().slice(4)).toEqual([['a@x.example', 'c@x.example']])
})

test('a refusal of the repeat of a call that may have been accepted splits nothing: all stay unknown', async () => {
  let tries = 0
  const answer = () => (tries++ === 0 ? toFailure('outcome-unknown', 'no answer') : refused)
  fleet = await buildFleet(db, [{ answer, capabilities: { idempotencyWindowMs: 900_000 } }])
  await fleet.accept(ALL)
  await fleet.run(waits)
  await makeDue()
  await fleet.run(isEmpty)
  expect(calls()).toEqual([ALL, ALL])
  expect(await fleet.statuses()).toEqual({ unknown: 3 })
  expect(await counted()).toBe(3)
})

test('the calls of a split follow one another, and the daily limit of their connection counts the recipients that they reached', async () => {
  let [underWay, most] = [0, 0]
  const answer = strict(async () => {
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => setTimeout(resolve, 5))
    underWay--
    return accepted
  })
  fleet = await buildFleet(db, [{ answer, limits: { per_day: 100 } }])
  await fleet.accept(ALL)
  await fleet.run(isEmpty)
  expect(most).toBe(1)
  await eventually(async () => ((await fleet.health(0))?.day_used === 2 ? true : undefined))
})

test('copies without a To recipient are sent one at a time to a provider that requires To', async () => {
  const answer = ({ envelopeTo }: OutboundMessage) =>
    envelopeTo[0] === BAD && envelopeTo.length > 1 && refused.kind === 'rejected'
      ? {
          ...refused,
          refused: [
            { address: BAD, kind: 'rejected' as const, code: 'recipient-refused' as const, reason: 'no' },
          ],
        }
      : accepted
  fleet = await buildFleet(db, [{ answer, capabilities: { needsTo: true } }])
  const copies = ['b@x.example', 'c@x.example'].map((address) => ({ address }))
  await fleet.acceptAll([
    buildMessage({ to: [{ address: BAD }], cc: copies.slice(0, 1), bcc: copies.slice(1) }),
  ])
  await fleet.run(isEmpty)
  expect(calls()).toEqual([[BAD, 'b@x.example', 'c@x.example'], ['b@x.example'], ['c@x.example']])
  expect(await fleet.statuses()).toEqual({ failed: 1, sent: 2 })
})

test('case 1: a provider that ignores case gets each mailbox once, and all spellings are sent', async () => {
  const got: string[][] = []
  const answer = ({ to, cc, bcc }: OutboundMessage) => {
    got.push([...to, ...cc, ...bcc].map(({ address }) => address))
    return accepted
  }
  fleet = await buildFleet(db, [{ answer, capabilities: { foldsAddressCase: true } }])
  const [ann, lower, bob] = ['Ann@x.example', 'ann@x.example', 'bob@x.example'].map((address) => ({
    address,
  }))
  if (!ann || !lower || !bob) throw new Error('three addresses')
  await fleet.acceptAll([buildMessage({ to: [ann, bob], cc: [lower] })])
  await fleet.run(isEmpty)
  expect(got).toEqual([['Ann@x.example', 'bob@x.example']])
  expect(await fleet.statuses()).toEqual({ sent: 3 })
})
