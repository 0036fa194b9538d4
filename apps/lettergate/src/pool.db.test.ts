import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Finished, runInside } from '../test/run-command.ts'

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await createTestDatabase()
  folder = mkdtempSync(join(tmpdir(), 'lettergate-pool-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await database.drop()
})

function run(...args: string[]): Promise<Finished> {
  return runInside(['pool', ...args], { DATABASE_URL: database.url, LETTERGATE_DATA_DIR: folder })
}

const settings = ['--settings', '{"host":"8.8.8.8","port":587}']
const add = ['add', '--provider', 'smtp', '--name', 'Relay', ...settings]

test('a connection is added with credentials from a file, listed without them, and removed', async () => {
  const file = join(folder, 'credentials.json')
  writeFileSync(file, '{"username":"canary-user","password":"canary-password"}')
  const added = await run(...add, '--credentials', file, '--json')
  expect(added).toMatchObject({ code: 0, stderr: '' })
  const [row] = JSON.parse(added.stdout)
  expect(row).toMatchObject({ provider: 'smtp', name: 'Relay', priority: 100, state: 'in use', reason: null })
  const listed = await run('list')
  expect(listed.stdout).toMatch(
    /^connection +provider +name +priority +state +reason\ncon_\w{26} +smtp +Relay +100 +in use +–\n$/,
  )
  expect(added.stdout + listed.stdout).not.toContain('canary')
  const { rows } = await database.pool.query<{ version: number }>({
    text: `select connections_version as version from tenant where name = 'Shared pool'`,
  })
  expect(rows).toEqual([{ version: 1 }])
  expect(await run('remove', row.id)).toMatchObject({ code: 0, stdout: `Removed ${row.id}.\n` })
  expect(await run('remove', row.id)).toMatchObject({
    code: 1,
    stderr: 'lettergate: the pool has no such connection\n',
  })
})

test.each([
  [['--provider', 'pigeon', '--name', 'x'], /provider is none of /],
  [['--provider', 'smtp', '--name', 'x', '--settings', '{'], /--settings is not JSON/],
  [['--provider', 'smtp', '--name', 'x', '--settings', '{}'], /settings\/host/],
  [['--provider', 'smtp', '--name', 'x', '--credentials', '/nowhere'], /cannot read \/nowhere/],
  [['--provider', 'smtp', '--name', ''], /--name/],
])('add %j is refused in one line', async (args, message) => {
  const { code, stdout, stderr } = await run('add', ...args)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(message)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test('a tenant is paused, limited and released, and the table shows why', async () => {
  const env = { DATABASE_URL: database.url, LETTERGATE_DATA_DIR: folder }
  const made = await runInside(['tenant', 'create', '--name', 'Acme', '--plan', 'free', '--json'], env)
  const id = String(JSON.parse(made.stdout).tenant_id)
  const paused = await run('pause', id, '--reason', 'bought addresses')
  expect(paused.stdout).toMatch(/tenant .* why\n.*Acme +paused .* bought addresses\n$/s)
  expect(JSON.parse((await run('status', '--json')).stdout)).toMatchObject([
    { tenant: id, name: 'Acme', state: 'paused', by: 'operator', why: 'bought addresses' },
  ])
  expect((await run('resume', id, '--reason', 'cleaned')).stdout).toMatch(/Acme +ok/)
  expect((await run('ceiling', id, '7')).stdout).toMatch(/Acme +ok +0 +7 /)
  const text = 'select pool_ceiling from tenant where id = $1'
  const ceiling = async () => (await database.pool.query({ text, values: [fromPublicId('ten', id)] })).rows
  expect(await ceiling()).toEqual([{ pool_ceiling: 7 }])
  await run('ceiling', id, 'none')
  expect(await ceiling()).toEqual([{ pool_ceiling: null }])
  const unknown = id.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
  expect(await run('pause', unknown, '--reason', 'x')).toMatchObject({
    code: 1,
    stderr: 'lettergate: there is no such tenant\n',
  })
})
