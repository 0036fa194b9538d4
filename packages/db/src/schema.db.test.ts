import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../test/database.ts'
import { runPrisma } from '../test/prisma.ts'

/** The client would send its own time for `now()`; Prisma compares defaults by their text. */
async function copySchema(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lettergate-schema-'))
  await cp(join(import.meta.dirname, '../../../prisma/schema'), folder, { recursive: true })
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), 'utf8')
    await writeFile(join(folder, name), text.replaceAll('dbgenerated("now()")', 'now()'))
  }
  return folder
}

test('prisma/schema describes every table, column and index of a migrated database, and nothing else', async () => {
  const [db, folder] = [await createTestDatabase(), await copySchema()]
  const compare = () =>
    runPrisma(db.url, ...'migrate diff --from-config-datasource --exit-code --to-schema'.split(' '), folder)
  expect(compare()).toMatchObject({ status: 0, output: expect.stringContaining('No difference detected') })
  await db.pool.query('alter table outbox add column surprise text; alter table route drop column name')
  const different = compare()
  expect(different.status).toBe(2)
  expect(different.output).toMatch(/Removed column `surprise`[\s\S]*Added column `name`/)
  await rm(folder, { recursive: true })
  await db.drop()
}, 120_000)
