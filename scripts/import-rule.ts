import { existsSync, globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'

const SCOPE = '@lettergate/'
const APPS = 'apps'
const CORE = 'packages/core'
/** Core decides; it must not know how a request or a job reached it. */
const FRAMEWORKS = /^(fastify|@fastify\/.*|fastify-.*|bullmq|ioredis|react|react-dom|commander)$/
const LINES_MAX = 400
/** Apps and packages read their settings from the configuration; the test runner sets one variable itself. */
const MUST_NOT_READ_ENV = /^(apps|packages)\//
const READS_ENV = ['packages/config/', 'packages/db/test/database.ts']
/** Made from prisma/schema, and in no commit. */
const GENERATED = 'packages/db/src/client'
/** They exist for tools that demand one. */
const DEFAULT_EXPORT = /\.config\.ts$/

export type SourceFile = { path: string; text: string }
export type Workspace = {
  folder: string
  name: string
  dependencies: ReadonlySet<string>
  /** The root's: for tests, which are not shipped. */
  forTests: ReadonlySet<string>
}

const TEST_FILE = /\.test\.ts$|^(apps|packages)\/[^/]+\/(.+\/)?test\//
/** Core's folders from the top down: each imports only from those below it, by their doors (`index.ts`). */
export const SLICES = [
  'sweep',
  'data-life',
  'messages',
  'inbound',
  'webhooks',
  'notices',
  'feed',
  'provider-events',
  'lost-workers',
  'deliver',
  'accept',
  'suppressions',
  'pool',
  'throttle',
  'routing',
  'connections',
  'domains',
  'dispatch',
  'tenants',
  'usage',
  'egress',
  'audit',
  'smtp-credentials',
  'secrets',
  'keys',
  'plans',
  'lib',
]
const IN_SLICE = /^packages\/core\/src\/([^/]+)\/(.+)$/

const IMPORT =
  /^\s*(?:import|export)\s+(?:type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm

export function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, plain, dynamic]) => plain ?? dynamic ?? '')
}

export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

const isShipped = (path: string) => !TEST_FILE.test(path)

function floorOf(folder: string): 'app' | 'core' | 'leaf' | 'outside' {
  if (folder.startsWith(`${APPS}/`)) return 'app'
  if (folder === CORE) return 'core'
  return folder.startsWith('packages/') ? 'leaf' : 'outside'
}

/** Why `from` may not import a package of ours; null if it may. */
function ownImportError(from: Workspace, to: Workspace): string | null {
  const [low, high] = [floorOf(from.folder), floorOf(to.folder)]
  if (high === 'app' && low !== 'outside') return 'nobody imports an app'
  if (low === 'leaf') return 'leaves import none of our packages'
  if (low === 'core' && to.name === `${SCOPE}config`) return 'core is given values and does not read settings'
  return null
}

/** Why a file of core may not import another of core; null if it may. Tests may look upwards. */
function sliceError(path: string, target: string): string | null {
  const to = IN_SLICE.exec(target)
  if (!to) return null
  const from = IN_SLICE.exec(path)
  if (from?.[1] === to[1])
    return to[2] === 'index.ts' ? 'inside a slice, import the file and not the door' : null
  if (to[2] !== 'index.ts') return `another slice is entered by its door, ${to[1]}/index.ts`
  if (!from || TEST_FILE.test(path)) return null
  const [high, low] = [SLICES.indexOf(from[1] ?? ''), SLICES.indexOf(to[1] ?? '')]
  if (high === -1 || low === -1) return 'the slice is missing in SLICES'
  return high < low ? null : `${from[1]} imports only from slices below it`
}

function importError(
  file: SourceFile,
  from: Workspace,
  specifier: string,
  all: readonly Workspace[],
): string | null {
  if (specifier.startsWith('.')) {
    const target = resolve('/', dirname(file.path), specifier).slice(1)
    if (!target.startsWith(`${from.folder}/`)) return 'a relative path leaves the package'
    if (isShipped(file.path) && TEST_FILE.test(target)) return 'test helpers are for tests'
    return sliceError(file.path, target)
  }
  if (specifier.startsWith('node:')) return null
  if (builtinModules.includes(specifier)) return "Node's own modules are imported as node:…"
  const name = packageOf(specifier)
  // Tools may name their own files as others do; a package has no reason to.
  if (name === from.name)
    return floorOf(from.folder) === 'outside' ? null : 'a package imports itself by relative path'
  const isTest = !isShipped(file.path) || floorOf(from.folder) === 'outside'
  if (!isTest && specifier.startsWith(SCOPE) && specifier.includes('/test/'))
    return 'test helpers are for tests'
  const isDeclared = from.dependencies.has(name) || (isTest && from.forTests.has(name))
  if (!isDeclared) return `${name} is not declared in ${from.folder}/package.json`
  if (from.folder === CORE && FRAMEWORKS.test(name)) return 'core imports no framework'
  const own = all.find((workspace) => workspace.name === name)
  return own ? ownImportError(from, own) : null
}

/** All that is wrong with one file. Folders outside the workspaces (scripts) have no package to answer for. */
export function fileErrors(file: SourceFile, all: readonly Workspace[]): string[] {
  const from = all.find(({ folder }) => file.path.startsWith(`${folder}/`))
  const errors: string[] = []
  for (const specifier of importsOf(file.text)) {
    const error = from ? importError(file, from, specifier, all) : null
    if (error) errors.push(`${file.path}: '${specifier}': ${error}`)
  }
  const mayReadEnv =
    !MUST_NOT_READ_ENV.test(file.path) || READS_ENV.some((allowed) => file.path.startsWith(allowed))
  if (!mayReadEnv && /\bprocess\.env\b/.test(file.text)) {
    errors.push(`${file.path}: process.env is read in packages/config only`)
  }
  if (/^export default\b/m.test(file.text) && !DEFAULT_EXPORT.test(file.path)) {
    errors.push(`${file.path}: no default exports`)
  }
  if (/\.\.\.\{/.test(file.text)) {
    errors.push(`${file.path}: a spread of an object literal; write its fields out`)
  }
  const lines = file.text.trimEnd().split('\n').length
  if (lines > LINES_MAX) errors.push(`${file.path}: ${lines} lines, at most ${LINES_MAX}`)
  return errors
}

const PackageJson = z.object({
  name: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
})

function readPackage(folder: string): z.infer<typeof PackageJson> {
  return PackageJson.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
}

function readWorkspaces(root: string): Workspace[] {
  const folders = globSync(['apps/*', 'packages/*', 'bench', 'faults'], { cwd: root })
  const forTests = new Set(Object.keys(readPackage(root).devDependencies))
  return folders
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => {
      const { name, dependencies, devDependencies } = readPackage(join(root, folder))
      return {
        folder,
        name,
        dependencies: new Set(Object.keys({ ...dependencies, ...devDependencies })),
        forTests,
      }
    })
}

/** All that is wrong with the imports of this checkout, one line each. */
export function checkoutErrors(root: string): string[] {
  const workspaces = readWorkspaces(root)
  return sourceFiles(root).flatMap((file) => fileErrors(file, workspaces))
}

/** Every source file of this checkout. */
export function sourceFiles(root: string): SourceFile[] {
  const paths = globSync('{apps,packages,bench,faults,scripts}/**/*.ts', {
    cwd: root,
    exclude: (path) => path.includes('node_modules') || path.startsWith(GENERATED),
  })
  return paths
    .sort()
    .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(root, path), 'utf8') }))
}

/** The file that an import of one of our packages names, by the `exports` of its package.json; null: it is not ours. */
export function ownPath(root: string): (specifier: string) => string | null {
  const folders = new Map(readWorkspaces(root).map(({ name, folder }) => [name, folder]))
  return (specifier) => {
    const name = packageOf(specifier)
    const folder = folders.get(name)
    if (folder === undefined) return null
    const inner = specifier.slice(name.length + 1)
    if (inner.startsWith('test/')) return `${folder}/${inner}.ts`
    return folder === CORE ? `${folder}/src/${inner}/index.ts` : `${folder}/src/${inner}.ts`
  }
}
