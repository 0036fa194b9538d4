import { readMigrations } from '@lettergate/db/migrate'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildHook, fakeEventProvider } from '../../test/fake-hooks.ts'
import { freshUrl } from './hook-content.ts'
import { hideUrl } from './registered-urls.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

test('URLs that were stored in plain are hidden by the migration, in registrations and in the log of changes', async () => {
  const { id, current } = await buildHook(db, fakeEventProvider().provider)
  const other = freshUrl('https://mail.example.com/v1/hooks/postmark/con_1/')
  const plain = { topic_arn: 'x', url: current.url }
  await db.pool.query({
    text: `update hook set registration = $2, old_registrations = $3 where connection_id = $1`,
    values: [
      id,
      JSON.stringify(plain),
      JSON.stringify([
        { registration: { url: other.url }, until: 'later' },
        { registration: { id: 1 }, until: 'later' },
      ]),
    ],
  })
  const migration = (await readMigrations()).find(({ name }) => name.endsWith('_hidden_urls'))
  await db.pool.query({ text: migration?.sql ?? '' })
  const { rows } = await db.pool.query({
    text: `select registration, old_registrations as old, (select json_agg(after -> 'registration') from audit_log where jsonb_typeof(after -> 'registration') = 'object') as logged
           from hook where connection_id = $1`,
    values: [id],
  })
  const hidden = hideUrl(plain, current)
  expect(hidden).not.toEqual(plain)
  expect(rows).toEqual([
    {
      registration: hidden,
      old: [
        { registration: hideUrl({ url: other.url }, other), until: 'later' },
        { registration: { id: 1 }, until: 'later' },
      ],
      logged: [hidden],
    },
  ])
})
