import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkoutErrors, fileErrors, type Workspace } from './import-rule.ts'

function workspace(folder: string, name: string, ...dependencies: string[]): Workspace {
  return { folder, name, dependencies: new Set(dependencies), forTests: new Set(['vitest']) }
}

const everything = [
  '@lettergate/api',
  '@lettergate/config',
  '@lettergate/core',
  '@lettergate/db',
  'pg',
  'fastify',
  '@fastify/swagger',
]
const workspaces = [
  workspace('apps/api', '@lettergate/api', ...everything),
  workspace('apps/worker', '@lettergate/worker', ...everything),
  workspace('packages/core', '@lettergate/core', ...everything),
  workspace('packages/db', '@lettergate/db', ...everything),
  workspace('packages/config', '@lettergate/config'),
]

function errorsOf(path: string, text: string): string[] {
  return fileErrors({ path, text }, workspaces)
}

test('this checkout keeps the import rule', () => {
  expect(checkoutErrors(join(import.meta.dirname, '..'))).toEqual([])
})

test.each([
  ['apps/api/src/a.ts', "import { x } from '@lettergate/core/x'"],
  ['apps/api/src/a.ts', "import { x } from '@lettergate/db/pool'"],
  ['apps/api/src/routes/a.ts', "import { x } from '../x.ts'"],
  ['packages/core/src/a.ts', "import type { X } from '@lettergate/db/pool'"],
  ['packages/db/src/a.ts', "import pg from 'pg'\nimport { join } from 'node:path'"],
  ['packages/db/src/a.test.ts', "import { test } from 'vitest'"],
  ['packages/config/src/config.ts', 'const port = process.env.PORT'],
  ['vitest.config.ts', 'export default {}'],
  ['packages/core/src/accept/a.ts', "import { x } from './sql/x.ts'"],
  ['packages/core/src/accept/a.ts', "import { x } from '../lib/index.ts'"],
  ['packages/core/src/accept/sql/a.ts', "import { x } from '../../usage/index.ts'"],
  ['packages/core/src/lib/a.test.ts', "import { x } from '../accept/index.ts'"],
  ['packages/core/src/accept/a.test.ts', "import { x } from '../../test/backlog.ts'"],
  ['packages/core/test/backlog.ts', "import { x } from '../src/accept/index.ts'"],
  ['apps/api/src/a.test.ts', "import { x } from '@lettergate/db/test/database'"],
])('allowed: %s: %s', (path, text) => {
  expect(errorsOf(path, text)).toEqual([])
})

test.each([
  ['an app imports an app', 'apps/worker/src/a.ts', "import { x } from '@lettergate/api/x'"],
  ['core imports an app', 'packages/core/src/a.ts', "import { x } from '@lettergate/api/x'"],
  ['core imports a framework', 'packages/core/src/a.ts', "import fastify from 'fastify'"],
  ['core imports a plugin of one', 'packages/core/src/a.ts', "import x from '@fastify/swagger'"],
  ['core reads settings', 'packages/core/src/a.ts', "import { x } from '@lettergate/config/config'"],
  ['a leaf imports core', 'packages/db/src/a.ts', "import { x } from '@lettergate/core/x'"],
  ['a leaf imports a leaf', 'packages/db/src/a.ts', "import type { X } from '@lettergate/config/config'"],
  [
    'the import has several lines',
    'packages/db/src/a.ts',
    "import {\n  x,\n  y,\n} from '@lettergate/core/x'",
  ],
  ['it is an export', 'packages/db/src/a.ts', "export { x } from '@lettergate/core/x'"],
  ['it is dynamic', 'packages/db/src/a.ts', "const x = await import('@lettergate/core/x')"],
  ['it is for its effect', 'packages/db/src/a.ts', "import '@lettergate/core/x'"],
  ['the package is not declared', 'apps/api/src/a.ts', "import { z } from 'zod'"],
  ['a test package is used outside a test', 'apps/api/src/a.ts', "import { test } from 'vitest'"],
  ['a path leaves the package', 'apps/api/src/a.ts', "import { x } from '../../worker/src/x.ts'"],
  ['a package imports itself by name', 'packages/db/src/a.ts', "import { x } from '@lettergate/db/pool'"],
  ["a module of Node's has no node:", 'packages/db/src/a.ts', "import { join } from 'path'"],
  ['settings are read elsewhere', 'apps/api/src/a.ts', 'const port = process.env.PORT'],
  ['there is a default export', 'apps/api/src/a.ts', 'export default 1'],
  ['a slice imports one above it', 'packages/core/src/lib/a.ts', "import { x } from '../accept/index.ts'"],
  [
    'a slice imports an inner file of another',
    'packages/core/src/accept/a.ts',
    "import { x } from '../lib/clock.ts'",
  ],
  [
    'a test imports an inner file of another slice',
    'packages/core/src/accept/a.test.ts',
    "import { x } from '../lib/clock.ts'",
  ],
  ['a slice imports its own index.ts', 'packages/core/src/accept/a.ts', "import { x } from './index.ts'"],
  ['a slice is not in the order', 'packages/core/src/new/a.ts', "import { x } from '../lib/index.ts'"],
  [
    'code imports a test helper',
    'packages/core/src/accept/a.ts',
    "import { x } from '../../test/backlog.ts'",
  ],
  [
    'code imports a test helper beside it',
    'packages/core/src/accept/a.ts',
    "import { x } from './test/example.ts'",
  ],
  [
    'code imports a helper of another, beside its code',
    'apps/api/src/a.ts',
    "import { x } from '@lettergate/db/pool/test/example'",
  ],
  [
    'code imports a helper of another',
    'apps/api/src/a.ts',
    "import { x } from '@lettergate/db/test/database'",
  ],
  ['fields are written as a spread', 'apps/api/src/a.ts', 'const x = { ...\x7b a, b } }'],
  ['the file is too long', 'apps/api/src/a.ts', 'x\n'.repeat(401)],
])('refused when %s', (_, path, text) => {
  expect(errorsOf(path, text)).toHaveLength(1)
})
