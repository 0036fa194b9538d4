import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { importsOf, packageOf } from './import-rule.ts'

const PackageJson = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
  scripts: z.record(z.string(), z.string()).default({}),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
})
type PackageJson = z.infer<typeof PackageJson>

export type Declared = {
  name: string
  /** Names of programs that it installs. */
  programs: string[]
  /** Packages that its users have to install beside it. */
  peers: string[]
}

/** Where programs are named that no import names. */
const CALLERS = ['CONTRIBUTING.md', '.ci/run', 'scripts/*.ts']
/** Files of a package are found this way too. */
const RESOLVE = /\.resolve\(\s*['"]([^'"./][^'"]*)['"]/g

/** Names the declared packages that nothing imports, calls, needs as a peer, or takes types from. */
export function unusedOf(
  declared: readonly Declared[],
  used: { imports: ReadonlySet<string>; calls: string },
): string[] {
  const isImported = ({ name }: Declared) => used.imports.has(name)
  const peers = new Set(declared.filter(isImported).flatMap((one) => one.peers))
  const words = new Set(used.calls.split(/[^\w@./-]+/))
  function isUsed(one: Declared): boolean {
    const typed = one.name.startsWith('@types/') ? one.name.slice('@types/'.length) : null
    if (typed !== null) return typed === 'node' || used.imports.has(typed)
    return isImported(one) || peers.has(one.name) || one.programs.some((program) => words.has(program))
  }
  return declared.filter((one) => !isUsed(one)).map(({ name }) => name)
}

function readPackage(path: string): PackageJson {
  return PackageJson.parse(JSON.parse(readFileSync(path, 'utf8')))
}

function programsOf(name: string, { bin }: PackageJson): string[] {
  if (bin === undefined) return []
  return typeof bin === 'string' ? [name.split('/').at(-1) ?? name] : Object.keys(bin)
}

function declaredIn(root: string, folder: string): Declared[] {
  const { dependencies, devDependencies } = readPackage(join(root, folder, 'package.json'))
  return Object.keys({ ...dependencies, ...devDependencies }).map((name) => {
    const path = [folder, '']
      .map((place) => join(root, place, 'node_modules', name, 'package.json'))
      .find((candidate) => existsSync(candidate))
    const installed = path === undefined ? PackageJson.parse({}) : readPackage(path)
    return { name, programs: programsOf(name, installed), peers: Object.keys(installed.peerDependencies) }
  })
}

function importsIn(root: string, folder: string): Set<string> {
  const paths = globSync(`${folder === '' ? '.' : folder}/**/*.{ts,cjs}`, {
    cwd: root,
    exclude: (path) => path.includes('node_modules'),
  })
  const texts = paths.map((path) => readFileSync(join(root, path), 'utf8'))
  return new Set(
    texts.flatMap((text) => {
      const resolved = [...text.matchAll(RESOLVE)].map(([, name]) => name ?? '')
      return [...importsOf(text), ...resolved].map(packageOf)
    }),
  )
}

/** All packages that a package.json of this checkout declares and nothing uses, one line each. */
export function unusedDependencies(root: string): string[] {
  const calls = [
    ...Object.values(readPackage(join(root, 'package.json')).scripts),
    ...globSync(CALLERS, { cwd: root }).map((path) => readFileSync(join(root, path), 'utf8')),
  ]
  const folders = ['', ...globSync(['apps/*', 'packages/*', 'bench', 'faults'], { cwd: root })]
  return folders
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .flatMap((folder) => {
      const used = { imports: importsIn(root, folder), calls: folder === '' ? calls.join('\n') : '' }
      const file = join(folder, 'package.json')
      return unusedOf(declaredIn(root, folder), used).map((name) => `${file}: nothing uses ${name}`)
    })
}
