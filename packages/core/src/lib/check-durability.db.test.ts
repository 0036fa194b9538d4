import { createPool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findDurabilityIssues, watchDurability } from './check-durability.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

test('a Postgres with its default settings is accepted', async () => {
  expect(await findDurabilityIssues(db.pool)).toEqual([])
})

test('a database that does not wait for the disk is reported, with the source of the setting and the fix', async () => {
  const name = new URL(db.url).pathname.slice(1)
  await db.pool.query({ text: `alter database ${name} set synchronous_commit = off` })
  const fresh = createPool({ url: db.url, max: 1, applicationName: 'test', onError: () => {} })
  const issues: string[] = []
  await watchDurability({ db: fresh, onIssues: (found) => issues.push(...found), onError: () => {} })
  await fresh.end()
  expect(issues).toEqual([
    expect.stringMatching(
      /synchronous_commit is off \(set by database\).*ALTER DATABASE … RESET synchronous_commit/,
    ),
  ])
})

test('a database that does not answer yet is checked as soon as it answers', async () => {
  let isAway = true
  const issues = Promise.withResolvers<string[]>()
  const late: Parameters<typeof findDurabilityIssues>[0] = {
    query: (config) => (isAway ? Promise.reject(new Error('away')) : db.pool.query(config)),
  }
  const errors: unknown[] = []
  await watchDurability({ db: late, onIssues: issues.resolve, onError: (error) => errors.push(error) })
  expect(errors).toHaveLength(1)
  await db.pool.query({ text: 'set synchronous_commit = off' })
  isAway = false
  expect((await issues.promise)[0]).toContain('synchronous_commit is off')
})
