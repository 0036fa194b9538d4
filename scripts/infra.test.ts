import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { createMetrics } from '../apps/api/src/http/metrics.ts'
import { createSmtpMetrics } from '../apps/smtp/src/metrics.ts'
import { createWorkerMetrics } from '../apps/worker/src/metrics.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** Runs a checker; null where it is not installed. */
function run(program: string, parameters: string[], env: Record<string, string> = {}) {
  const path = `${process.env.PATH}:/usr/sbin:/sbin`
  const result = spawnSync(program, parameters, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...env, PATH: path },
  })
  return result.error ? null : { status: result.status, output: result.stdout + result.stderr }
}

/** Names of all series that the processes answer at /metrics. */
async function knownSeries(): Promise<Set<string>> {
  const api = createMetrics({
    db: { query: () => Promise.reject(new Error('no database')) },
    onError: () => {},
  })
  const worker = createWorkerMetrics(
    () => 0,
    () => ({ open: 0, paused: 0, waiting: 0 }),
    () => 0,
  )
  const smtp = createSmtpMetrics({ sessions: () => 0, memoryBytes: () => 0 })
  const all = await Promise.all([api, worker, smtp].map(({ registry }) => registry.getMetricsAsJSON()))
  const metrics = all.flat()
  return new Set(
    metrics.flatMap(({ name, type }) =>
      String(type) === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  )
}

const seriesIn = (text: string) =>
  [...text.matchAll(/\b(?:lettergate|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name)

test.each([
  ['alert rules', 'infra/prometheus/alerts.yml'],
  ['dashboards', 'infra/grafana/dashboards/*.json'],
])('%s name only metrics that the processes have', async (_what, pattern) => {
  const known = await knownSeries()
  const named = globSync(pattern, { cwd: ROOT }).flatMap((path) => seriesIn(read(path)))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((name) => !known.has(name))).toEqual([])
})

test('promtool accepts the configuration and the alert rules, and the rules pass their tests', (context) => {
  for (const parameters of [
    ['check', 'config', 'infra/prometheus/prometheus.yml'],
    ['test', 'rules', 'infra/prometheus/alerts.test.yml'],
  ]) {
    const result = run('promtool', parameters)
    if (!result) return context.skip('promtool is not installed (Debian package prometheus)')
    expect(result).toMatchObject({ status: 0 })
  }
})

test('haproxy accepts its configuration', (context) => {
  const result = run('haproxy', ['-c', '-f', 'infra/haproxy.cfg'], { LETTERGATE_API: '127.0.0.1:3000' })
  if (!result) return context.skip('haproxy is not installed')
  expect(result).toMatchObject({ status: 0 })
})

test('units start files of this project, and wait for their stop longer than a process needs', () => {
  const units = globSync('infra/systemd/*.service', { cwd: ROOT })
  expect(units).toHaveLength(4)
  for (const path of units) {
    const entry = /^ExecStart=\/usr\/bin\/node (?:--\S+ )*(\S+)/m.exec(read(path))?.[1] ?? ''
    expect(globSync(entry, { cwd: ROOT }), path).toEqual([entry])
    const stopSeconds = /^TimeoutStopSec=(\d+)$/m.exec(read(path))?.[1]
    if (stopSeconds) expect(Number(stopSeconds)).toBeGreaterThan(10)
  }
})

test('the compose file builds the image of infra, and mounts files that exist', () => {
  const compose = parse(read('docker-compose.yml'), { merge: true })
  expect(globSync(compose.services.api.build.dockerfile, { cwd: ROOT })).toHaveLength(1)
  const services: { volumes?: string[]; profiles?: string[] }[] = Object.values(compose.services)
  const mounted = services.flatMap(({ volumes = [] }) => volumes.filter((volume) => volume.startsWith('./')))
  expect(mounted.length).toBeGreaterThan(3)
  for (const volume of mounted)
    expect(globSync(volume.split(':')[0] ?? '', { cwd: ROOT }), volume).toHaveLength(1)
  const always = Object.entries(compose.services).filter(
    ([, service]) => !Object.hasOwn(Object(service), 'profiles'),
  )
  expect(always.map(([name]) => name).sort()).toEqual([
    'api',
    'migrate',
    'postgres',
    'redis',
    'smtp',
    'worker',
  ])
})
