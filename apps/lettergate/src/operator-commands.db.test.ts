import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Finished, runInside } from '../test/run-command.ts'

let database: TestDatabase
let folder: string
let tenantId: string

beforeAll(async () => {
  database = await createTestDatabase()
  folder = mkdtempSync(join(tmpdir(), 'lettergate-cli-'))
  const made = await run('tenant', 'create', '--name', 'Acme', '--plan', 'standard', '--json')
  tenantId = JSON.parse(made.stdout).tenant_id
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await database.drop()
})

function run(...args: string[]): Promise<Finished> {
  return runInside(args, { DATABASE_URL: database.url, LETTERGATE_DATA_DIR: folder, NO_COLOR: '1' })
}

async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args)
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
  return stdout
}
const json = async (...args: string[]) => JSON.parse(await printed(...args, '--json'))

test('tenants are listed and shown, as tables and as JSON', async () => {
  const lines = (await printed('tenant', 'list', '--search', 'acm')).trimEnd().split('\n')
  expect(lines[0]?.split(/ {2,}/)).toEqual(['id', 'name', 'plan', 'state', 'per day', 'created'])
  expect(lines[1]).toMatch(new RegExp(`^${tenantId} {2}Acme {2}standard {2}active {3}50,000 {2}\\d{4}-`))
  expect(await json('tenant', 'list', '--state', 'suspended')).toEqual([])
  expect(await printed('tenant', 'show', tenantId)).toMatch(/^id +ten_/)
  expect(await json('tenant', 'show', tenantId)).toMatchObject({ name: 'Acme', ready: 0, connections: [] })
})

test('a change is printed before and after, and a dry run changes nothing', async () => {
  const set = ['tenant', 'set', tenantId, '--plan', 'free', '--limit', 'pool_per_day=9']
  const dry = await printed(...set, '--dry-run')
  expect(dry).toMatch(
    /^Would change tenant Acme:\n {2}plan +standard → free\n {2}accepted per day +50,000 → 200\n/,
  )
  expect(await json('tenant', 'show', tenantId)).toMatchObject({ plan: 'standard', own_limits: {} })
  expect(await printed(...set)).toMatch(/^Changed tenant Acme:/)
  expect(await json('tenant', 'show', tenantId)).toMatchObject({
    plan: 'free',
    own_limits: { pool_per_day: 9 },
  })
  expect(await printed(...set)).toBe('tenant Acme stays as it is.\n')
  const back = [
    '--limit',
    'pool_per_day=none',
    '--resource',
    'domains=7',
    '--egress',
    'https hooks.example.com',
  ]
  expect(await json('tenant', 'set', tenantId, ...back)).toMatchObject({
    dry_run: false,
    before: { own_limits: { pool_per_day: 9 }, egress_extra: [] },
    after: {
      own_limits: { resources: { domains: 7 } },
      egress_extra: [{ protocols: ['https'], hosts: ['hooks.example.com'] }],
    },
  })
})

test('a tenant is suspended and resumed, and the log names the person and the machine', async () => {
  expect(await printed('tenant', 'suspend', tenantId, '--reason', 'unpaid')).toContain('active → suspended')
  expect(await json('tenant', 'list', '--state', 'suspended')).toMatchObject([{ suspended_reason: 'unpaid' }])
  expect(await printed('tenant', 'resume', tenantId)).toContain('suspended → active')
  const entries = await json('audit', '--tenant', tenantId, '--target', 'tenant')
  expect(entries[0]).toMatchObject({
    actor: { kind: 'cli', user: expect.stringMatching(/./), host: hostname() },
    before: { suspended_reason: 'unpaid' },
  })
  const person = `${entries[0].actor.user}@${hostname()}`
  const filters = ['--tenant', tenantId, '--target', 'tenant', '--action', 'updated', '--actor', person]
  const lines = (await printed('audit', ...filters, '--export')).trimEnd().split('\n')
  const exported = lines.map((line) => JSON.parse(line))
  expect(exported.slice(0, 2)).toEqual(entries.slice(0, 2))
  expect(new Set(exported.map(({ action }) => action))).toEqual(new Set(['updated']))
  const table = await printed('audit', '--tenant', tenantId, '--limit', '1')
  expect(table.split('\n')[1]).toContain(`@${hostname()}`)
})

test('plans are created, changed, listed and deleted', async () => {
  const limits = [
    '--limit',
    'accepted_per_day=5',
    '--limit',
    'accepted_per_month=50',
    '--resource',
    'routes=2',
    '--egress',
    'https,smtp *.example.com,@providers 443,587',
    '--feature',
    'beta',
  ]
  expect(await printed('plan', 'create', 'tiny', ...limits, '--dry-run')).toMatch(/^Would create plan tiny:/)
  expect((await json('plan', 'list')).map(({ name }: { name: string }) => name)).not.toContain('tiny')
  expect(await printed('plan', 'create', 'tiny', ...limits)).toMatch(
    /^Created plan tiny:\n {2}name +tiny\n[^→]*accepted per day +5\n/,
  )
  expect(await printed('plan', 'set', 'tiny', '--limit', 'accepted_per_month=none')).toContain('50 → –')
  expect(await json('plan', 'show', 'tiny')).toMatchObject({
    accepted_per_month: null,
    resources: { routes: 2 },
    egress: [{ protocols: ['https', 'smtp'], hosts: ['*.example.com', '@providers'], ports: [443, 587] }],
    features: ['beta'],
  })
  await printed('plan', 'set', 'tiny', '--egress', 'none', '--feature', 'none', '--resource', 'routes=none')
  expect(await json('plan', 'show', 'tiny')).toMatchObject({ egress: null, features: [], resources: {} })
  expect(await printed('plan', 'list')).toMatch(/tiny +0 +5 +– /)
  expect(await printed('plan', 'delete', 'tiny')).toBe('Deleted plan tiny.\n')
})

test.each([
  [['tenant', 'show', 'nonsense'], /is not the id of a tenant/],
  [['tenant', 'show', 'ten_01m7wa5yjwe1qr5m7w1gzh99cc'], /there is no such thing/],
  [
    ['tenant', 'set', 'TENANT', '--plan', 'gold'],
    /The plan must be free, scale or standard|must be free, standard or scale/,
  ],
  [
    ['tenant', 'set', 'TENANT', '--limit', 'oops=1'],
    /--limit oops=1 must be name=number or name=none; names: accepted_per_day/,
  ],
  [['tenant', 'set', 'TENANT', '--limit', 'content_days=0'], /content_days/],
  [
    ['tenant', 'set', 'TENANT', '--resource', 'dogs=1'],
    /--resource dogs=1 must be .*; names: connections, routes, /,
  ],
  [['tenant', 'set', 'TENANT', '--egress', 'https'], /--egress "https" must be protocols, hosts/],
  [['tenant', 'set', 'TENANT', '--egress', 'ftp a.example'], /--egress protocols/],
  [['plan', 'delete', 'free'], /has the plan free/],
  [
    ['plan', 'create', 'idle', '--limit', 'accepted_per_month=1'],
    /a plan needs --limit accepted_per_day=number/,
  ],
  [['usage', 'ten_x'], /ten_x is not the id of a tenant: that is ten_ and 26 characters/],
  [['plan', 'create', 'Bad Name', '--limit', 'accepted_per_day=1'], /lower-case/],
  [['usage', 'TENANT', '--days', '0'], /--days must be a whole number/],
  [['audit', '--since', 'yesterday'], /since/],
])('%j is refused with one line of text', async (args, line) => {
  const { code, stdout, stderr } = await run(...args.map((arg) => (arg === 'TENANT' ? tenantId : arg)))
  expect(stderr).toMatch(line)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
})

test('usage says what was sent, and that nothing was', async () => {
  expect(await printed('usage', tenantId)).toBe('Nothing was sent on these days.\n')
  await database.pool.query(
    `insert into usage (tenant_id, day, mode, accepted) select id, (now() at time zone 'utc')::date, 'live', 1234 from tenant where name = 'Acme'`,
  )
  expect((await printed('usage', tenantId)).split('\n')[1]).toMatch(/^\d{4}-\d\d-\d\d {2}live +1,234 +0 +0$/)
})

test('doctor names what is wrong and what to do, and fails if a check failed', async () => {
  const partitions = `select ensure_partitions_of(name, current_date - 1, current_date + 8) from partitioned_tables() as name`
  await database.pool.query(partitions)
  const { code, stdout } = await run('doctor', '--json')
  const states = Object.fromEntries(
    JSON.parse(stdout).map(({ check, state }: { check: string; state: string }) => [check, state]),
  )
  expect(states).toMatchObject({
    database: 'ok',
    migrations: 'ok',
    redis: 'ok',
    secret: 'ok',
    partitions: 'ok',
    clock: 'ok',
    workers: 'warning',
  })
  // The server of the tests does not wait for its disk.
  expect([code, states.durability]).toEqual([states.durability === 'failed' ? 1 : 0, states.durability])
  await database.pool.query(`delete from _prisma_migrations where migration_name like '%_operator'`)
  const broken = await run('doctor')
  expect(broken.code).toBe(1)
  expect(broken.stdout).toMatch(/migrations +failed +1 are missing.*Run "npm run migrate"/)
  expect(broken.stderr).toMatch(/^lettergate: .*checks? failed: .*migrations/)
})
