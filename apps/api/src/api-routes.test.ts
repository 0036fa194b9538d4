import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { apiRoutes } from './api-routes.ts'
import { providerEventRoutes } from './v1/provider-events/index.ts'

const registered = new Set<unknown>([...apiRoutes, providerEventRoutes].flatMap(({ routes }) => routes))

const isRoute = (value: unknown) => typeof value === 'object' && value !== null && 'declared' in value

/** The routes that a file exports and that no group lists. */
async function unlistedIn(path: string): Promise<string[]> {
  const exported: Record<string, unknown> = await import(join(import.meta.dirname, path))
  return Object.entries(exported)
    .filter(([, value]) => isRoute(value) && !registered.has(value))
    .map(([name]) => `${name} of ${path}`)
}

test('each route that a file exports is in the index.ts of its folder, and that group in api-routes.ts', async () => {
  const paths = globSync('{v1,admin}/**/*.ts', {
    cwd: import.meta.dirname,
    exclude: (path) => path.endsWith('.test.ts'),
  })
  const unlisted = await Promise.all(paths.map(unlistedIn))
  expect(unlisted.flat(), 'routes that no caller can reach').toEqual([])
})
