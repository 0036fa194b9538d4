import { createSecretKey } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '@lettergate/contracts/lib/ids'
import { createSealer } from '@lettergate/core/secrets'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Finished, runCommand, runInside } from '../test/run-command.ts'

let database: TestDatabase
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
  folder = mkdtempSync(join(tmpdir(), 'lettergate-cli-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await database.drop()
})

function run(...args: string[]): Promise<Finished> {
  return runInside(args, { DATABASE_URL: database.url, LETTERGATE_DATA_DIR: folder })
}

test('tenant create --json prints exactly the tenant and its keys', async () => {
  const { code, stdout, stderr } = await run('tenant', 'create', '--name', 'Acme', '--plan', 'free', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const made = JSON.parse(stdout)
  expect(Object.keys(made)).toEqual(['tenant_id', 'live_key', 'test_key'])
  expect(made.tenant_id).toMatch(/^ten_[0-9a-z]{26}$/)
  const { rows } = await database.pool.query("select name, plan, daily_limit from tenant where name = 'Acme'")
  expect(rows).toEqual([{ name: 'Acme', plan: 'free', daily_limit: 200 }])
})

test('doctor dns says what to set where there is nothing to check', async () => {
  const { code, stdout, stderr } = await run('doctor', 'dns', '--json')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('LETTERGATE_HELO_NAME')
})

test('--daily-limit replaces the limit of the plan', async () => {
  await run('tenant', 'create', '--name', 'Limited', '--plan', 'standard', '--daily-limit', '7', '--json')
  const { rows } = await database.pool.query("select daily_limit from tenant where name = 'Limited'")
  expect(rows).toEqual([{ daily_limit: 7 }])
})

test('--retry-hours sets the retry limit, which is 72 hours otherwise', async () => {
  const create = ['tenant', 'create', '--plan', 'free', '--json', '--name']
  await run(...create, 'Patient', '--retry-hours', '96')
  await run(...create, 'Usual')
  const { rows } = await database.pool.query(
    "select name, retry_hours from tenant where name in ('Patient', 'Usual') order by name",
  )
  expect(rows).toEqual([
    { name: 'Patient', retry_hours: 96 },
    { name: 'Usual', retry_hours: 72 },
  ])
})

test.each([
  [
    ['--name', 'x', '--plan', 'free', '--retry-hours', '0'],
    /--retry-hours must be a whole number from 1 to 720/,
  ],
  [['--name', 'x', '--plan', 'gold'], /--plan must be free, standard or scale/],
  [['--name', '', '--plan', 'free'], /--name must not be empty/],
  [['--name', 'x'.repeat(201), '--plan', 'free'], /--name must have at most 200/],
  [['--name', 'x', '--plan', 'free', '--daily-limit', '-1'], /--daily-limit must be a whole number/],
  [['--name', 'x', '--plan', 'free', '--daily-limit', '2147483648'], /--daily-limit must be a whole number/],
])('tenant create %j is refused with one line of text', async (options, line) => {
  const { code, stdout, stderr } = await run('tenant', 'create', ...options)
  expect(stderr).toMatch(line)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
})

test('a key can be made for a tenant and revoked again', async () => {
  const { tenant_id } = JSON.parse(
    (await run('tenant', 'create', '--name', 'K', '--plan', 'free', '--json')).stdout,
  )
  const made = JSON.parse((await run('key', 'create', '--tenant', tenant_id, '--mode', 'test')).stdout)
  expect(made.key).toMatch(/^lg_test_/)
  expect((await run('key', 'revoke', made.key_id, '--tenant', tenant_id)).code).toBe(0)
  const { rows } = await database.pool.query({
    text: 'select revoked_at is not null as revoked from api_key where display = $1',
    values: [made.key.slice(0, 12)],
  })
  expect(rows).toEqual([{ revoked: true }])
})

test("another tenant's key cannot be revoked", async () => {
  const [mine, other] = await Promise.all(
    ['Mine', 'Other'].map(async (name) =>
      JSON.parse((await run('tenant', 'create', '--name', name, '--plan', 'free', '--json')).stdout),
    ),
  )
  const made = JSON.parse((await run('key', 'create', '--tenant', other.tenant_id)).stdout)
  const { code, stderr } = await run('key', 'revoke', made.key_id, '--tenant', mine.tenant_id)
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'lettergate: this tenant has no such key\n' })
})

test('key rotate-root rewraps every data key, counts unused keys, and may be run again', async () => {
  const own = await createTestDatabase()
  const [before, after] = ['a'.repeat(32), 'b'.repeat(32)]
  const env = { DATABASE_URL: own.url, LETTERGATE_DATA_DIR: folder }
  const runWith = (args: string[], more: Record<string, string>) => runInside(args, { ...env, ...more })
  await runWith(['tenant', 'create', '--name', 'R', '--plan', 'free'], { LETTERGATE_SECRET: before })
  const root = createSecretKey(Buffer.from(before))
  const { rows } = await own.pool.query<{ id: string }>('select id from tenant')
  const place = { tenantId: rows[0]?.id ?? '', table: 'connection', id: newId() } as const
  const value = await createSealer({ tenants: own.tenants, root }).sealJson(place, { x: 1 })
  const both = { LETTERGATE_SECRET: after, LETTERGATE_SECRET_PREVIOUS: before }
  const { code, stdout, stderr } = await runWith(['key', 'rotate-root'], both)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n')).toEqual([
    '1 data keys are now encrypted with the new root key.',
    '2 API keys have not been used since; they end when LETTERGATE_SECRET_PREVIOUS is removed:',
    expect.stringMatching(/^ {2}ten_\w{26} lg_live_\w{4}…$/),
    expect.stringMatching(/^ {2}ten_\w{26} lg_test_\w{4}…$/),
    '',
  ])
  const present = createSealer({ tenants: own.tenants, root: createSecretKey(Buffer.from(after)) })
  expect(await present.unsealJson(place, value)).toEqual({ x: 1 })
  expect((await runWith(['key', 'rotate-root'], both)).stdout).toMatch(/^0 data keys/)
  expect(await runWith(['key', 'rotate-root'], { LETTERGATE_SECRET: after })).toMatchObject({
    code: 1,
    stderr: 'lettergate: LETTERGATE_SECRET_PREVIOUS is not set\n',
  })
  await own.drop()
})

test('migrate may be run any number of times', async () => {
  expect(await run('migrate')).toEqual({ code: 0, stdout: 'The schema is up to date.\n', stderr: '' })
})

test('a command without a database reports that it has none', async () => {
  const { code, stderr } = await runCommand(['migrate'], { LETTERGATE_DATA_DIR: folder }).finished
  expect(code).toBe(1)
  expect(stderr).toMatch(/^lettergate: DATABASE_URL is not set, .*\n$/)
})

test.each([
  [
    'a wrong password',
    { password: 'wrong' },
    /^lettergate: the database refuses the connection: .*; check DATABASE_URL\n$/,
  ],
  [
    'no such database',
    { pathname: '/none' },
    /^lettergate: the database refuses the connection: .*"none".*; check DATABASE_URL\n$/,
  ],
  [
    'no server',
    { port: '1' },
    /^lettergate: the database does not answer; check DATABASE_URL, and that Postgres runs\n$/,
  ],
])('%s is one line that says what to check', async (_, change, line) => {
  const url = Object.assign(new URL(database.url), change)
  const env = { LETTERGATE_DATA_DIR: folder, DATABASE_URL: url.href }
  const printed = await Promise.all(
    [
      ['tenant', 'list'],
      ['pool', 'list'],
    ].map((args) => runCommand(args, env).finished),
  )
  for (const { code, stderr } of printed) {
    expect(code).toBe(1)
    expect(stderr).toMatch(line)
  }
})

test('an unknown command is refused with the list of commands', async () => {
  const { code, stderr } = await run('frobnicate')
  expect(code).toBe(1)
  expect(stderr).toContain('tenant')
})

test('a key of the operator can be made, is listed without itself, and can be revoked', async () => {
  const made = JSON.parse((await run('key', 'create', '--admin')).stdout)
  expect(made.key).toMatch(/^lg_admin_/)
  const list = await run('key', 'list', '--admin')
  expect(list.stdout).toContain(made.key_id)
  expect(list.stdout).not.toContain(made.key)
  expect((await run('key', 'revoke', made.key_id, '--admin')).code).toBe(0)
  const rows = JSON.parse((await run('key', 'list', '--admin', '--json')).stdout)
  expect(rows[0]).toMatchObject({ id: made.key_id, mode: 'admin', status: 'revoked' })
  expect((await run('key', 'list')).stderr).toContain('--tenant')
})
