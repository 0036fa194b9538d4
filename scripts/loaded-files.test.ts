import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const DOOR = 'packages/db/src/prisma.ts'
/** Type-only imports are not loaded. */
const IMPORT =
  /^\s*(?:import|export)\s+(?!type\b)(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm

const sources = new Set(
  globSync('{apps,packages}/**/*.ts', { cwd: ROOT, exclude: (path) => path.includes('node_modules') }),
)

function targetOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return resolve('/', dirname(path), specifier).slice(1)
  const own = /^@lettergate\/([^/]+)\/(.+)$/.exec(specifier)
  const places = [`packages/${own?.[1]}/src/${own?.[2]}.ts`, `packages/${own?.[1]}/src/${own?.[2]}/index.ts`]
  return own ? places.find((place) => sources.has(place)) : undefined
}

/** Every file of ours that is loaded with this one. */
function reachOf(entry: string): Set<string> {
  const reached = new Set<string>()
  const open = [entry]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path) || !sources.has(path)) continue
    reached.add(path)
    for (const [, plain, dynamic] of readFileSync(join(ROOT, path), 'utf8').matchAll(IMPORT)) {
      const target = targetOf(path, plain ?? dynamic ?? '')
      if (target !== undefined) open.push(target)
    }
  }
  return reached
}

test('the worker imports nothing of Prisma', () => {
  const reached = reachOf('apps/worker/src/main.ts')
  expect(reached.size).toBeGreaterThan(100)
  expect([...reached].filter((path) => path === DOOR || path.includes('db/src/client/'))).toEqual([])
})

test('only one file of packages/db imports Prisma', () => {
  const importers = [...sources].filter(
    (path) =>
      !path.includes('db/src/client/') &&
      /from '@prisma\/|import\('@prisma\//.test(readFileSync(join(ROOT, path), 'utf8')),
  )
  expect(importers).toEqual([DOOR])
})

test('control: the walk finds that file from the api', () => {
  expect(reachOf('apps/api/src/main.ts')).toContain(DOOR)
})

test('only the thread that reads mails loads mailauth, which is most of 500 files', () => {
  const checker = 'packages/core/src/inbound/authenticate.ts'
  for (const app of ['api', 'lettergate', 'smtp', 'worker'])
    expect([app, reachOf(`apps/${app}/src/main.ts`).has(checker)]).toEqual([app, false])
  expect(reachOf('packages/core/src/inbound/read-thread.ts')).toContain(checker)
})
