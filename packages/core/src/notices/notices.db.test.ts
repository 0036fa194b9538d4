import { toPublicId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createDns } from '@lettergate/egress/dns'
import { createProviders } from '@lettergate/providers/registry'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { buildTenant } from '../../test/rows.ts'
import { openAccept } from '../accept/index.ts'
import { appendAccountEvents, createFailpoint, noFailpoint } from '../lib/index.ts'
import { createNotices, type NoticeResult } from './send-notices.ts'

const FROM = 'notices@gateway.example'
const TO = 'ops@acme.example'

let db: TestDatabase
let sender: string
let tenant: string
const ends: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  db = await createTestDatabase()
  sender = await buildTenant(db.pool)
  tenant = await buildTenant(db.pool)
  await wantNotices(tenant)
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  await db.drop()
})

const wantNotices = (id: string) =>
  db.pool.query({ text: `update tenant set notices_to = $2 where id = $1`, values: [id, TO] })

const happen = (id: string, type: string, count = 1, data: object = {}) =>
  db.pool.query({
    text: `with ${appendAccountEvents(`select $1::uuid as tenant_id, $2::text as type, $3::json as data from generate_series(1, $4)`)} select`,
    values: [id, type, JSON.stringify(data), count],
  })

/** Sends what is due, until it is stopped. */
function startNotices({ failpoint = '' } = {}) {
  const results: NoticeResult[] = []
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const { acceptor, submit } = openAccept({
    pool: db.batch,
    tenants: db.tenants,
    providers: createProviders({}),
    dns: createDns({ allow: [] }),
    failpoint: noFailpoint,
    onError,
  })
  const notices = createNotices({
    pool: db.batch,
    submit,
    notices: { tenant: toPublicId('ten', sender), from: FROM },
    failpoint: createFailpoint(failpoint),
    onNotice: (result) => results.push(result),
    onError,
  })
  notices.start()
  ends.push(() => acceptor.drain(), notices.stop)
  return { results, errors, ...notices }
}

const mails = async () =>
  (
    await db.pool.query<{ subject: string; text: string; to: string; from: string }>({
      text: `select m.subject, c.document->>'text' as text, r.address as to, m.from_address as from
             from message m join recipient r on r.message_id = m.id join message_content c on c.message_id = m.id
             where m.tenant_id = $1 order by m.id`,
      values: [sender],
    })
  ).rows

const isOver = async () =>
  (await db.pool.query({ text: `select from account_event where notice_due_at is not null` })).rowCount === 0
    ? true
    : undefined

test('what happened to an account comes by mail, once, with the reason', async () => {
  await happen(tenant, 'endpoint.disabled', 1, {
    reason: 'The URL answered 410 Gone.',
    detail: { endpoint: 'end_1' },
  })
  await happen(tenant, 'domain.verified')
  await happen(tenant, 'inbound.received')
  startNotices()
  await eventually(isOver)
  const sent = await mails()
  expect(sent).toMatchObject([
    { from: FROM, to: TO, subject: expect.stringContaining('An endpoint was disabled') },
  ])
  expect(sent[0]?.text).toContain('The URL answered 410 Gone.')
  expect(sent[0]?.text).toContain('endpoint: end_1')
})

test('tenants that name no address get none', async () => {
  await happen(sender, 'endpoint.disabled')
  const { results } = startNotices()
  await eventually(isOver)
  expect(results).toEqual(['unwanted'])
  expect(await mails()).toEqual([])
})

test('a worker that dies between the mail and its record sends no second one', async () => {
  await happen(tenant, 'endpoint.disabled')
  const first = startNotices({ failpoint: 'after_notice_before_record:throw' })
  await eventually(async () => (first.errors.length > 0 ? true : undefined))
  await first.stop()
  expect(await mails()).toHaveLength(1)
  expect(await isOver()).toBe(undefined)
  await db.pool.query({ text: 'update account_event set notice_due_at = now()' })
  const second = startNotices()
  await eventually(isOver)
  expect(second.results).toEqual(['sent'])
  expect(await mails()).toHaveLength(1)
})

test('two workers send each notice once', async () => {
  await happen(tenant, 'usage.warned', 18)
  const workers = [startNotices(), startNotices()]
  await eventually(isOver)
  expect(workers.flatMap(({ results }) => results)).toEqual(Array(18).fill('sent'))
  expect(await mails()).toHaveLength(18)
})

test('a tenant gets 20 in a day, however much happens', async () => {
  await happen(tenant, 'endpoint.disabled', 45)
  const { results, wake } = startNotices()
  await eventually(async () => {
    wake()
    return isOver()
  })
  expect(results).toEqual([...Array(20).fill('sent'), ...Array(25).fill('too-many')])
})

test('a notice that is not accepted is tried again, and given up after three days', async () => {
  sender = await buildTenant(db.pool, { dailyLimit: 1 })
  await happen(tenant, 'pool.warned')
  await happen(tenant, 'pool.paused')
  const { results, errors, wake } = startNotices()
  await eventually(async () => (results.length === 2 ? true : undefined))
  expect(results).toEqual(['sent', 'failed'])
  expect(String(errors[0])).toContain('a notice was not accepted')
  expect(await isOver()).toBe(undefined)
  await db.pool.query({
    text: `update account_event set at = at - interval '4 days', notice_due_at = now() where notice_due_at is not null`,
  })
  wake()
  await eventually(isOver)
  expect(results).toEqual(['sent', 'failed', 'late'])
})
