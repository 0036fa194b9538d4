import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * npm leaves programs for other platforms out of the lock file when its registry does not have them, and `npm ci` then
 * refuses the lock file on every platform. This puts them back: `npm run lock` after a change of dependencies.
 */
export type LockEntry = {
  version?: string
  optionalDependencies?: Record<string, string>
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
}
export type Packages = Record<string, LockEntry>

const OS: Record<string, string> = {
  windows: 'win32',
  win32: 'win32',
  darwin: 'darwin',
  linux: 'linux',
  android: 'android',
}
const CPU: Record<string, string> = {
  x64: 'x64',
  '64': 'x64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: 'ia32',
  ppc64: 'ppc64',
}

/** Which machines a package is for, by its name; null if the name does not say. */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> | null {
  const words = name.split(/[-/]/)
  const os = words.map((word) => OS[word]).find((found) => found !== undefined)
  const cpu = words.map((word) => CPU[word]).findLast((found) => found !== undefined)
  if (!os || !cpu) return null
  return { os: [os], cpu: [cpu], ...(words.includes('musl') ? { libc: ['musl'] } : {}) }
}

/** Where Node would look for `name` from the package at `path`, nearest first. */
function lookUpPaths(path: string, name: string): string[] {
  const nested = `${path}/node_modules/${name}`
  const above = path.lastIndexOf('/node_modules/')
  return above < 0 ? [nested, `node_modules/${name}`] : [nested, ...lookUpPaths(path.slice(0, above), name)]
}

/** The entries that are missing for optional packages of one platform each. */
export function missingEntries(packages: Packages): Packages {
  const missing: Packages = {}
  for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const platform = platformOf(name)
      const isThere = lookUpPaths(path, name).some((candidate) => packages[candidate] !== undefined)
      if (isThere || platform === null || !/^\d/.test(version)) continue
      missing[`node_modules/${name}`] = { version, ...(dev ? { dev } : {}), optional: true, ...platform }
    }
  }
  return missing
}

/** Writes the missing entries into a lock file, in npm's own order. */
export function completeLock(file: string): void {
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const packages: Packages = { ...lock.packages, ...missingEntries(lock.packages) }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`)
}

if (import.meta.main) completeLock(join(import.meta.dirname, '..', 'package-lock.json'))
