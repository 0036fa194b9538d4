import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromPublicId, toPublicId, uuidAtTime } from '@lettergate/contracts/lib/ids'
import { buildTenant } from '@lettergate/core/test/rows'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { judgeSoak } from './judge-soak.ts'
import { createSoakLedger } from './soak-ledger.ts'

/** Over several chunks of twenty seconds. */
const MESSAGES = 120
const EVERY_MS = 1_000
const FROM = Date.now() - MESSAGES * EVERY_MS

let database: TestDatabase
let tenant: string
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'lettergate-judge-'))
  tenant = await buildTenant(database.pool)
  const ids = Array.from({ length: MESSAGES }, (_, index) => idOf(index))
  await database.pool.query({
    text: `with new as (select unnest($2::text[])::uuid as id), stored as (
             insert into message (tenant_id, id, usage_day, mode, stream, from_address, subject, tags,
                                  attachment_count, content_bytes)
             select $1, id, current_date, 'live', 'transactional', 'app@acme.example', 'Hello', '{}', 0, 1 from new)
           insert into recipient (tenant_id, message_id, position, kind, address, status)
           select $1, id, 0, 'to', 'user@example.net', 'sent' from new`,
    values: [tenant, ids.map((id) => fromPublicId('msg', id))],
  })
  await database.pool.query({
    text: "insert into usage (tenant_id, day, mode, accepted) values ($1, current_date, 'live', $2)",
    values: [tenant, MESSAGES],
  })
})

afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true })
})

/** The same id each time; its second half is of no account. */
function idOf(index: number): string {
  return toPublicId('msg', uuidAtTime(new Date(FROM + index * EVERY_MS + 7)))
}

async function judgeWith(change: { promised?: string[]; taken?: (string | undefined)[]; odd?: string[] }) {
  const all = Array.from({ length: MESSAGES }, (_, index) => idOf(index))
  const ledger = createSoakLedger()
  for (const id of change.promised ?? all) {
    const answers = [{ at: 0, status: 202, messageId: id }]
    ledger.close({ idempotencyKey: id, recipients: 1, answers }, ledger.begin(id))
  }
  if (change.odd) {
    const answers = change.odd.map((messageId) => ({ at: 0, status: 202, messageId }))
    ledger.close({ idempotencyKey: 'odd', recipients: 1, answers }, ledger.begin('odd'))
  }
  const ledgerFile = join(folder, randomUUID())
  const lines = (change.taken ?? all).map((messageId) =>
    JSON.stringify({ at: Date.now(), messageId, bodyHash: '' }),
  )
  await writeFile(ledgerFile, lines.map((line) => `${line}\n`).join(''))
  const tenants = [{ tenantId: toPublicId('ten', tenant), apiKey: '' }]
  return judgeSoak({ ledger, pool: database.pool, ledgerFile, tenants }, FROM, Date.now())
}

const all = () => Array.from({ length: MESSAGES }, (_, index) => idOf(index))

test('a run on which all three sources agree has no fault, over many chunks', async () => {
  expect(await judgeWith({})).toMatchObject({
    lost: [],
    repeated: [],
    unknown: [],
    stuck: [],
    overQuota: [],
    early: [],
    messages: MESSAGES,
    recipients: MESSAGES,
    handOffs: MESSAGES,
  })
})

test('an accepted message that is not stored is lost, for every place of its id', async () => {
  const unknown = [
    uuidAtTime(new Date(0)),
    uuidAtTime(new Date(FROM + 30_500)),
    uuidAtTime(new Date(2 ** 47)),
  ]
  const ids = unknown.map((uuid) => toPublicId('msg', uuid))
  const { lost } = await judgeWith({ promised: [...all(), ...ids] })
  expect(lost).toEqual(ids.map((id) => `${id}: promised, not stored`))
})

test('mail that the provider never saw, saw twice, or saw without an id, is reported', async () => {
  const verdict = await judgeWith({ taken: [...all().slice(0, -1), idOf(40), undefined] })
  expect(verdict.lost).toEqual([
    `${idOf(MESSAGES - 1)}: recorded as sent, never at the provider`,
    'without an id: sent, not stored',
  ])
  expect(verdict.repeated).toEqual([`${idOf(40)}: sent 2 times`])
})

test('a request that got two messages is a repeat', async () => {
  const { repeated } = await judgeWith({ promised: all().slice(2), odd: [idOf(0), idOf(1)] })
  expect(repeated).toContain(`odd: ${idOf(0)},${idOf(1)}`)
})

test('a count that differs from what is stored is over quota', async () => {
  await database.pool.query({ text: 'update usage set accepted = accepted - 1' })
  const { overQuota } = await judgeWith({})
  await database.pool.query({ text: 'update usage set accepted = accepted + 1' })
  expect(overQuota).toEqual([expect.stringContaining(`${MESSAGES} stored, ${MESSAGES - 1} counted`)])
})
