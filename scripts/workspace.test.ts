import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

test('the image installs for every workspace', () => {
  const workspaces = globSync(
    ['apps/*/package.json', 'packages/*/package.json', '{bench,faults}/package.json'],
    { cwd: ROOT },
  )
  const copied = [
    ...readFileSync(join(ROOT, 'infra/Dockerfile'), 'utf8').matchAll(/^COPY (\S+\/package\.json) (\S+)\/$/gm),
  ]
  expect(copied.map(([, from]) => from).sort()).toEqual(workspaces.sort())
  for (const [, from, to] of copied) expect(from).toBe(`${to}/package.json`)
})

test('the lock file knows every workspace', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  const workspaces = globSync(
    ['apps/*/package.json', 'packages/*/package.json', '{bench,faults}/package.json'],
    { cwd: ROOT },
  )
  expect(Object.keys(packages)).toEqual(
    expect.arrayContaining(workspaces.map((path) => path.replace('/package.json', ''))),
  )
})

function report(content: string | null): { status: number | null; stdout: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lettergate-report-'))
  const file = join(folder, 'report.json')
  if (content !== null) writeFileSync(file, content)
  const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'report-tests.cjs'), file], {
    encoding: 'utf8',
  })
  rmSync(folder, { recursive: true })
  return { status, stdout }
}

const counts = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1, testResults: [] }

test('the last line of CI has the counts of the runner', () => {
  expect(report(JSON.stringify(counts))).toEqual({
    status: 0,
    stdout: 'tests: 5 passed, 0 failed, 3 skipped\n',
  })
})

test('a file that could not be loaded counts as failed', () => {
  const testResults = [{ status: 'failed', assertionResults: [] }]
  expect(report(JSON.stringify({ ...counts, testResults }))).toEqual({
    status: 1,
    stdout: 'tests: 5 passed, 1 failed, 3 skipped\n',
  })
})

test('a run without a report, or without a test, has failed', () => {
  expect(report(null).status).toBe(1)
  expect(report(JSON.stringify({ ...counts, numPassedTests: 0 })).status).toBe(1)
})

test('S12: every image can be named by its digest, without a change of these files', () => {
  const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')
  const images = [...compose.matchAll(/^ +image: (.+)$/gm)].map(([, image]) => image)
  expect(images.filter((image) => image !== 'lettergate')).toEqual([
    expect.stringMatching(/^\$\{POSTGRES_IMAGE:-postgres:\d+\}$/),
    expect.stringMatching(/^\$\{REDIS_IMAGE:-redis:\d+\}$/),
    expect.stringMatching(/^\$\{HAPROXY_IMAGE:-haproxy:[\d.]+\}$/),
    expect.stringMatching(/^\$\{PROMETHEUS_IMAGE:-prom\/prometheus:v[\d.]+\}$/),
    expect.stringMatching(/^\$\{GRAFANA_IMAGE:-grafana\/grafana:[\d.]+\}$/),
  ])
  const bases = [...readFileSync(join(ROOT, 'infra/Dockerfile'), 'utf8').matchAll(/^FROM (\S+)/gm)]
  expect(bases.map(([, base]) => base?.replace('$', ''))).toEqual(['{NODE_IMAGE}', '{NODE_IMAGE}'])
})
