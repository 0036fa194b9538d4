import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Finished, runCommand } from '../test/run-command.ts'

const MS_MAX = 120_000

let database: TestDatabase
let folder: string
let id: string
beforeAll(async () => {
  database = await createTestDatabase()
  folder = mkdtempSync(join(tmpdir(), 'lettergate-data-cli-'))
  const { stdout } = await run('tenant', 'create', '--name', 'Zebra Works', '--plan', 'free', '--json')
  id = JSON.parse(stdout).tenant_id
}, MS_MAX)
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await database.drop()
})

function run(...args: string[]): Promise<Finished> {
  return runCommand(args, { DATABASE_URL: database.url, LETTERGATE_DATA_DIR: folder }).finished
}

test(
  'tenant export writes a file that only its owner can read, and data retention --dry-run changes nothing',
  async () => {
    const out = join(folder, 'zebra.ndjson')
    expect(await run('tenant', 'export', id, '--out', out)).toMatchObject({ code: 0, stderr: '' })
    const [first = ''] = readFileSync(out, 'utf8').split('\n')
    expect(JSON.parse(first)).toMatchObject({ table: 'tenant', row: { id, name: 'Zebra Works' } })
    expect(statSync(out).mode & 0o777).toBe(0o600)
    expect(existsSync(`${out}.part`)).toBe(false)
    const nowhere = join(folder, 'none', 'zebra.ndjson')
    for (const args of [
      ['export', id, '--out', nowhere],
      ['delete', id, '--confirm', 'Zebra Works', '--export', nowhere],
    ]) {
      const { code, stderr } = await run('tenant', ...args)
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^lettergate: cannot write .*zebra\.ndjson\.part: ENOENT.*\n$/),
      })
    }
    const { code, stdout } = await run('data', 'retention', '--dry-run', '--json')
    expect({ code, days: JSON.parse(stdout) }).toEqual({ code: 0, days: [] })
    expect((await run('data', 'retention', '--dry-run')).stdout).toMatch(/^No day is over\.\n/)
  },
  MS_MAX,
)

test(
  'tenant delete needs the name, says what it would do, and then deletes all',
  async () => {
    const wrong = await run('tenant', 'delete', id, '--confirm', 'Zebra')
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing was deleted') })
    const dry = await run('tenant', 'delete', id, '--confirm', 'Zebra Works', '--dry-run')
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('would be deleted') })
    const deleting = run('tenant', 'delete', id, '--confirm', 'Zebra Works')
    let isOver = false
    // Instead of the waits for keys and leases.
    const hurry = async () => {
      while (!isOver) {
        await database.pool.query({ text: `update data_job set turn_at = now() where state = 'running'` })
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
    const hurrying = hurry()
    const done = await deleting.finally(() => {
      isOver = true
    })
    await hurrying
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toMatch(/api_key +2\n/)
    const { rows } = await database.pool.query({
      text: `select name from tenant where plan <> 'operator'`,
    })
    expect(rows).toEqual([])
    expect(await run('tenant', 'delete', id, '--confirm', 'Zebra Works')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no such tenant'),
    })
  },
  MS_MAX,
)
