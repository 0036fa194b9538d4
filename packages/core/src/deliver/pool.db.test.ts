import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { type Answer, buildPoolBed, proveDomains, taken } from '../../test/pool-bed.ts'

let db: TestDatabase
let bed: Awaited<ReturnType<typeof buildPoolBed>>
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
  await proveDomains(db, 'acme.example')
})
afterEach(async () => {
  // No call to the pool was made for a message without a share of a day.
  expect(bed.calls.filter(({ by, poolDay }) => by === 'pool' && poolDay === null)).toEqual([])
  const { counter, ledger } = await bed.counted()
  expect(counter).toBe(ledger)
  await bed.stop()
})
afterAll(() => db.drop())

const to = (n: number, from = 0) => Array.from({ length: n }, (_, index) => `n${index + from}@example.net`)
const failure =
  (...args: Parameters<typeof toFailure>): Answer =>
  () =>
    toFailure(...args)

test('without a connection of its own, a tenant sends by the pool, and each recipient counts once', async () => {
  bed = await buildPoolBed(db)
  await bed.accept(to(2), to(1))
  await bed.run()
  expect(bed.by()).toEqual(['pool', 'pool'])
  expect(await bed.statuses()).toEqual({ sent: 3 })
  expect(await bed.counted()).toEqual({ counter: 3, ledger: 3, accepted: 3 })
})

test('a message that was counted when it was accepted is not counted again', async () => {
  bed = await buildPoolBed(db, { poolLimit: 2 })
  await bed.accept(to(2))
  await bed.countOnPool()
  await bed.run()
  expect(bed.by()).toEqual(['pool'])
  expect(await bed.counted()).toMatchObject({ counter: 2 })
})

test('without room in the pool, a message is held until after midnight, and the reason says what to do', async () => {
  bed = await buildPoolBed(db, { poolLimit: 2 })
  await bed.accept(to(2))
  await bed.run()
  await bed.accept(to(1))
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 2, held: 1 })
  expect(await bed.reason()).toMatch(/^provider-required: .* Add a connection of your own/)
  const [waits] = await bed.backlog()
  expect(waits?.state).toBe('waiting')
  expect((waits?.in_ms ?? 0) - (waits?.to_midnight_ms ?? 0)).toBeGreaterThan(0)
  expect((waits?.in_ms ?? 0) - (waits?.to_midnight_ms ?? 0)).toBeLessThan(120_000)
  expect(await bed.counted()).toMatchObject({ counter: 2, accepted: 3 })
  await bed.nextDay()
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 3 })
  expect(await bed.counted()).toMatchObject({ counter: 3 })
})

test('a connection of its own that appears releases held mail', async () => {
  bed = await buildPoolBed(db, { poolLimit: 0 })
  await bed.accept(to(1))
  await bed.run()
  expect(await bed.statuses()).toEqual({ held: 1 })
  bed.answers.own = taken
  await bed.addConnection('own')
  await bed.release()
  await bed.run()
  expect(bed.by()).toEqual(['own'])
  expect(await bed.statuses()).toEqual({ sent: 1 })
  expect(await bed.counted()).toMatchObject({ counter: 0 })
})

test('mail that counted on the pool and goes by an own connection leaves the pool, and nothing else', async () => {
  bed = await buildPoolBed(db, { own: taken })
  await bed.accept(to(3))
  await bed.countOnPool()
  await bed.run()
  expect(bed.by()).toEqual(['own'])
  expect(await bed.counted()).toEqual({ counter: 0, ledger: 0, accepted: 3 })
})

test('an own connection that fails hands over to the pool, which is counted on that day', async () => {
  bed = await buildPoolBed(db, { own: failure('provider-unavailable', '503') })
  await bed.accept(to(2))
  await bed.run()
  expect(bed.by()).toEqual(['own', 'pool'])
  expect(await bed.statuses()).toEqual({ sent: 2 })
  expect(await bed.counted()).toMatchObject({ counter: 2 })
})

test('an own connection that fails is tried again later where the pool has no room', async () => {
  bed = await buildPoolBed(db, { own: failure('provider-unavailable', '503'), poolLimit: 0 })
  await bed.accept(to(1))
  await bed.run()
  expect(new Set(bed.by())).toEqual(new Set(['own']))
  expect(bed.by().length).toBeLessThanOrEqual(2)
  expect(await bed.statuses()).toEqual({ deferred: 1 })
})

test('a refused attempt by an own connection moves nothing; its accepted one does', async () => {
  bed = await buildPoolBed(db, { own: failure('recipient-deferred', '451'), place: 'never' })
  await bed.accept(to(1))
  await bed.countOnPool()
  await bed.run()
  expect(await bed.counted()).toMatchObject({ counter: 1 })
  bed.answers.own = taken
  await db.pool.query({ text: 'update outbox set due_at = now()' })
  await bed.run()
  expect(await bed.counted()).toMatchObject({ counter: 0 })
})

test('mail that the pool deferred keeps its share of the first day, however many attempts it needs', async () => {
  bed = await buildPoolBed(db, { pool: failure('recipient-deferred', '451'), poolLimit: 2 })
  await bed.accept(to(2))
  await bed.run()
  bed.answers.pool = taken
  await bed.nextDay()
  await bed.run()
  expect(bed.by()).toEqual(['pool', 'pool'])
  const { rows } = await db.pool.query({ text: 'select pool from usage order by day' })
  expect(rows.map((row) => row.pool)).toEqual([2])
})

test('an unknown outcome stays counted', async () => {
  bed = await buildPoolBed(db, { pool: failure('outcome-unknown', 'no answer') })
  await bed.accept(to(2))
  await bed.run()
  expect(await bed.statuses()).toEqual({ unknown: 2 })
  expect(await bed.counted()).toEqual({ counter: 2, ledger: 2, accepted: 2 })
})

test('of some recipients that fail and others that go, those alone are given back', async () => {
  const some: Answer = ({ envelopeTo }) => ({
    kind: 'accepted',
    providerMessageId: 'p',
    refused: [
      { address: envelopeTo[0] ?? '', kind: 'rejected', code: 'recipient-refused', reason: '550 no' },
    ],
  })
  bed = await buildPoolBed(db, { pool: some })
  await bed.accept(to(3))
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 2, failed: 1 })
  expect(await bed.counted()).toEqual({ counter: 2, ledger: 2, accepted: 2 })
})

test('where the pool sent some recipients and an own connection the rest, the rest leaves the pool', async () => {
  const some: Answer = ({ envelopeTo }) => ({
    kind: 'accepted',
    providerMessageId: 'p',
    refused: [{ address: envelopeTo[0] ?? '', kind: 'deferred', code: 'recipient-deferred', reason: '451' }],
  })
  bed = await buildPoolBed(db, { pool: some })
  await bed.accept(to(3))
  await bed.run()
  bed.answers.own = taken
  await bed.addConnection('own')
  await db.pool.query({ text: 'update outbox set due_at = now()' })
  await bed.run()
  expect(bed.calls.map(({ by, to: { length } }) => [by, length])).toEqual([
    ['pool', 3],
    ['own', 1],
  ])
  expect(await bed.counted()).toEqual({ counter: 2, ledger: 2, accepted: 3 })
})

test('forty messages at once never take more than the share of the day', async () => {
  bed = await buildPoolBed(db, { poolLimit: 10 })
  for (let n = 0; n < 4; n++) await bed.accept(...to(10).map((address) => [address]))
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 10, held: 30 })
  expect(await bed.counted()).toMatchObject({ counter: 10 })
})

test('held mail leaves a fifth of the next day to new mail', async () => {
  bed = await buildPoolBed(db, { poolLimit: 10 })
  await bed.accept(...to(25).map((address) => [address]))
  await bed.run()
  await bed.nextDay()
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 18, held: 7 })
  await bed.accept(...to(3).map((address) => [address]))
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 20, held: 8 })
})

test('mail from a domain that nobody proved is held, the reason names it, and a proof releases it', async () => {
  await proveDomains(db, 'other.example')
  bed = await buildPoolBed(db)
  await bed.accept(to(1))
  await bed.run()
  expect(bed.calls).toEqual([])
  expect(await bed.reason()).toMatch(/domain acme\.example, which you have not proved .* POST \/v1\/domains/)
  await proveDomains(db, 'acme.example')
  await bed.changed()
  await bed.release()
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 1 })
})

test('without a proved domain, the operator’s one address may be used', async () => {
  await proveDomains(db)
  bed = await buildPoolBed(db)
  await db.pool.query({ text: `update pool_setting set default_from = 'App@acme.example'` })
  await bed.accept(to(1))
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 1 })
})

test('a direct connection of the tenant’s own needs a proved domain as well', async () => {
  await proveDomains(db)
  bed = await buildPoolBed(db, { own: taken, provider: 'direct', place: 'never' })
  await bed.accept(to(1))
  await bed.run()
  expect(bed.calls).toEqual([])
  expect(await bed.reason()).toMatch(/acme\.example/)
})

test('a connection of the pool that is made, disabled and made again counts within one look, for every tenant', async () => {
  bed = await buildPoolBed(db, { own: taken, place: 'first' })
  await db.pool.query({ text: `update connection set enabled = false where name in ('pool', 'own')` })
  await db.pool.query({ text: 'update tenant set connections_version = connections_version + 1' })
  await bed.accept(to(1))
  await bed.run()
  expect(await bed.statuses()).toEqual({ held: 1 })
  await db.pool.query({ text: `update connection set enabled = true where name = 'pool'` })
  await db.pool.query({
    text: `update tenant set connections_version = connections_version + 1 where id = '00000000-0000-0000-0000-000000000001'`,
  })
  await bed.release()
  await bed.run()
  expect(bed.by()).toEqual(['pool'])
})

test('test mode, a tenant that chose never, and a paused one send nothing by the pool', async () => {
  bed = await buildPoolBed(db, { place: 'never' })
  await bed.accept(to(1))
  await bed.run()
  expect(await bed.reason()).toMatch(/no connection is configured/)
  await db.pool.query({
    text: `update tenant set pool = 'last', connections_version = connections_version + 1`,
  })
  await db.pool.query({
    text: `insert into abuse_state (tenant_id, state, by, why) values ($1, 'paused', 'operator', 'x')`,
    values: [bed.tenantId],
  })
  await bed.accept(to(1))
  await bed.run()
  expect(bed.calls).toEqual([])
})

test('mail that was counted waits for the end of a pause, and leaves its day once that is over', async () => {
  bed = await buildPoolBed(db)
  await bed.accept(to(2))
  await bed.countOnPool()
  const pause = `insert into abuse_state (tenant_id, state, by, why) select id, 'paused', 'operator', 'x' from tenant where id = $1`
  await db.pool.query({ text: pause, values: [bed.tenantId] })
  await bed.changed()
  await bed.run()
  expect(await bed.statuses()).toEqual({ held: 2 })
  expect(await bed.counted()).toMatchObject({ counter: 2 })
  await bed.nextDay()
  await bed.run()
  expect(await bed.counted()).toMatchObject({ counter: 0, accepted: 2 })
  // Nothing is left that a later give-back would take off that day once more.
  expect((await db.pool.query({ text: 'select pool_day, pool_n from message' })).rows).toEqual([
    { pool_day: null, pool_n: null },
  ])
  await db.pool.query({ text: `update abuse_state set state = 'ok'` })
  await bed.changed()
  await bed.release()
  await bed.run()
  expect(await bed.statuses()).toEqual({ sent: 2 })
  expect(await bed.counted()).toMatchObject({ counter: 2 })
})

test('held mail fails after seven days, says why, and its quota is given back', async () => {
  bed = await buildPoolBed(db, { poolLimit: 0 })
  await bed.accept(to(1))
  await db.pool.query({ text: `update message set created_at = created_at - interval '6 days 3 hours'` })
  await db.pool.query({ text: 'update outbox set accepted_at = null' })
  await bed.run()
  const held = await bed.statuses()
  if (held.held) {
    await db.pool.query({ text: `update message set created_at = created_at - interval '1 day'` })
    await db.pool.query({ text: 'update outbox set due_at = now()' })
    await bed.run()
  }
  expect(await bed.statuses()).toEqual({ failed: 1 })
  expect(await bed.reason()).toMatch(/7 days, so the message was given up\. Send it again/)
  expect(await bed.counted()).toEqual({ counter: 0, ledger: 0, accepted: 0 })
})

for (const place of ['after_pool_share', 'after_provider_ack_before_db']) {
  test(`a worker that dies at ${place} leaves each recipient counted once`, async () => {
    let isArmed = true
    bed = await buildPoolBed(db, {
      poolLimit: 5,
      failpoint: (name) => {
        if (name !== place || !isArmed) return
        isArmed = false
        throw new Error('killed')
      },
    })
    await bed.accept(to(3))
    await bed.run()
    expect(await bed.counted()).toMatchObject({ counter: 3 })
    await db.pool.query({
      text: `update outbox set state = 'ready', lease_until = null where state = 'claimed'`,
    })
    await bed.run()
    expect(await bed.counted()).toMatchObject({ counter: 3 })
  })
}
