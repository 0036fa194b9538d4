import { spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** Stands in for npm: writes what a real `npm ci` would, slowly enough to be met in the middle. */
const FAKE_NPM = `
const fs = require('node:fs')
fs.appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
fs.mkdirSync('node_modules/.bin', { recursive: true })
fs.writeFileSync('node_modules/.bin/node', '')
console.log('added 1 package')
process.exitCode = fs.existsSync('fail') ? 1 : 0
`
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lettergate-install-'))
  mkdirSync(join(root, 'scripts'))
  for (const name of ['install.cjs', 'generate-client.cjs'])
    copyFileSync(join(import.meta.dirname, name), join(root, 'scripts', name))
  writeFileSync(join(root, 'npm.cjs'), FAKE_NPM)
  writeFileSync(join(root, 'package-lock.json'), '{"lock":1}')
})
afterEach(() => rmSync(root, { recursive: true }))

const options = () => ({
  cwd: root,
  encoding: 'utf8' as const,
  env: { ...process.env, npm_execpath: join(root, 'npm.cjs') },
})

function run() {
  return spawnSync(process.execPath, ['scripts/install.cjs'], options())
}

function calls(): number {
  return existsSync(join(root, 'calls'))
    ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n').length
    : 0
}

test('a fresh clone is installed once, from the lock file, without output on stdout', () => {
  const first = run()
  expect(first.status).toBe(0)
  expect(first.stdout).toBe('')
  expect(first.stderr).toContain('Installing')
  expect(readFileSync(join(root, 'calls'), 'utf8')).toMatch(/^ci /)
  expect(run()).toMatchObject({ status: 0, stdout: '', stderr: '' })
  expect(calls()).toBe(1)
})

test('a changed lock file is installed again', () => {
  run()
  writeFileSync(join(root, 'package-lock.json'), '{"lock":2}')
  run()
  expect(calls()).toBe(2)
})

test('an install that failed is reported and tried again the next time', () => {
  writeFileSync(join(root, 'fail'), '')
  expect(run().status).toBe(1)
  expect(run().status).toBe(1)
  expect(calls()).toBe(2)
})

test('S12: the lock of an install is in the project, where no other user can hold it, and gone afterwards', () => {
  const held = join(root, '.install-lock')
  writeFileSync(join(root, 'npm.cjs'), `${FAKE_NPM}\nfs.copyFileSync('.install-lock', 'seen')`)
  expect(run().status).toBe(0)
  expect(Number(readFileSync(join(root, 'seen'), 'utf8'))).toBeGreaterThan(0)
  expect(existsSync(held)).toBe(false)
})

test('concurrent scripts wait for one install', async () => {
  const codes = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise((resolve) => {
          spawn(process.execPath, ['scripts/install.cjs'], { ...options(), stdio: 'ignore' }).once(
            'close',
            resolve,
          )
        }),
    ),
  )
  expect(codes).toEqual([0, 0, 0])
  expect(calls()).toBe(1)
})

/** Stands in for Prisma's command line. */
const FAKE_PRISMA = `
const fs = require('node:fs')
fs.appendFileSync('made', process.argv[2] + '\\n')
fs.mkdirSync('packages/db/src/client', { recursive: true })
`

test('the database client is made after the install, and again when the schema has changed', () => {
  run()
  rmSync(join(root, 'node_modules/.bin/node'))
  symlinkSync(process.execPath, join(root, 'node_modules/.bin/node'))
  mkdirSync(join(root, 'node_modules/prisma/build'), { recursive: true })
  writeFileSync(join(root, 'node_modules/prisma/build/index.js'), FAKE_PRISMA)
  mkdirSync(join(root, 'prisma/schema'), { recursive: true })
  const made = () => readFileSync(join(root, 'made'), 'utf8')
  writeFileSync(join(root, 'prisma/schema/a.prisma'), 'model a')
  run()
  expect(run()).toMatchObject({ status: 0, stdout: '', stderr: '' })
  expect(made()).toBe('generate\n')
  writeFileSync(join(root, 'prisma/schema/a.prisma'), 'model b')
  run()
  expect(made()).toBe('generate\ngenerate\n')
})
