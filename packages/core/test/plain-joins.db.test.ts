import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OlderServer, pretendOlderServer } from '@lettergate/db/test/older-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** Tests that between them run every statement that joins by an array. */
const AGAIN = [
  '../src/connections/delete',
  '../src/data-life/erase-address',
  '../src/deliver/waits-for-locks',
  '../src/inbound/killed-workers',
  '../src/lost-workers/set-aside',
  '../src/messages/waits-for-locks',
  '../src/provider-events/pool-events',
  '../src/provider-events/waits-for-locks',
]

let server: OlderServer
beforeAll(() => {
  server = pretendOlderServer()
})
afterAll(() => server.stop())

/** Names of the statements in files that join by an array. */
function joinedStatements(): string[] {
  const folder = join(import.meta.dirname, '../src')
  return globSync('*/sql/*.ts', { cwd: folder, exclude: (path) => path.endsWith('.test.ts') })
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .filter((text) => /\b(joinId|refundUsage|array_append)\(/.test(text))
    .flatMap((text) => [...text.matchAll(/\bname: '([\w-]+)'/g)].map(([, name = '']) => name))
}

describe('with the joins for a server before Postgres 18', () => {
  for (const path of AGAIN) describe(path, () => import(`${path}.db.test.ts?again`))

  test('every statement that joins by an array ran in these tests', () => {
    const missing = joinedStatements().filter((name) => !server.prepared.has(name))
    expect(missing, 'run a test of these statements once more, by a line in AGAIN').toEqual([])
  })
})
