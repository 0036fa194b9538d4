import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { PROVIDERS_APART, providerCases } from './provider-cases.ts'
import { ROUTES_APART, routeCases } from './route-cases.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** How a route is written: by the tables of the api, or straight to Fastify. */
const ROUTE = /\b(?:(?:tenant|operator)Route\(\s*'([A-Z]+)',|app\.(get|post)\()\s*'(\/v1\/[^']+)'/g

test('every route has an odd case, or a reason for having none', () => {
  const files = globSync('apps/api/src/{v1,admin,operations}/**/*.ts', { cwd: root })
  const routes = files.flatMap((file) =>
    [...readFileSync(`${root}${file}`, 'utf8').matchAll(ROUTE)].map(
      ([, ofTable, ofApp = '', path]) => `${ofTable ?? ofApp.toUpperCase()} ${path}`,
    ),
  )
  expect(routes.length).toBeGreaterThan(20)
  const known = [...routeCases.map(({ way }) => way), ...Object.keys(ROUTES_APART)]
  expect([...new Set(known)].sort(), 'the rows of faults/src/odd-cases/route-cases.ts').toEqual(routes.sort())
})

test('every provider has an odd case, or a reason for having none', () => {
  const folders = globSync('*/index.ts', { cwd: `${root}packages/providers/src` }).map(dirname)
  const known = [...providerCases.map(({ way }) => way), ...Object.keys(PROVIDERS_APART)]
  expect([...new Set(known)].filter((way) => way !== 'OAuth').sort()).toEqual(folders.sort())
})
