import { inTransaction } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTenant } from '../../../test/rows.ts'
import { insertAttachments } from '../../accept/index.ts'
import { readAttachments } from './read-attachments.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const file = (filename: string, bytes: number) => ({
  filename,
  contentType: 'application/octet-stream',
  contentId: null,
  disposition: 'attachment' as const,
  content: Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 7 + at / 1024) & 0xff)),
})

test('attachments are read completely and in order, for any number of chunks', async () => {
  const tenantId = await buildTenant(db.pool)
  const message = { tenantId, id: newId() }
  // 1 byte, exactly one chunk, and more chunks than one statement answers.
  const files = [file('a', 1), file('b', 512 * 1024), file('c', 9_000_001), file('d', 3)]
  await inTransaction(db.pool, (client) => insertAttachments(client, message, files))
  const read = await readAttachments(db.tenants.forTenant(tenantId), message)
  expect(read.map(({ filename }) => filename)).toEqual(['a', 'b', 'c', 'd'])
  for (const [at, { content }] of files.entries()) expect(read[at]?.content.equals(content)).toBe(true)
})

test('a file with a missing part is an error, never a shorter file', async () => {
  const tenantId = await buildTenant(db.pool)
  const message = { tenantId, id: newId() }
  await inTransaction(db.pool, (client) => insertAttachments(client, message, [file('a', 1_200_000)]))
  await db.pool.query({
    text: 'delete from attachment_chunk where tenant_id = $1 and message_id = $2 and chunk = 1',
    values: [tenantId, message.id],
  })
  await expect(readAttachments(db.tenants.forTenant(tenantId), message)).rejects.toThrow('not whole')
})
