import { dirname, posix, resolve } from 'node:path'
import { importsOf, type SourceFile } from './import-rule.ts'

/** The file of this checkout that an import names; null for a package from outside. */
function targetOf(
  file: SourceFile,
  specifier: string,
  toPath: (specifier: string) => string | null,
): string | null {
  if (specifier.startsWith('.')) return resolve('/', dirname(file.path), specifier).slice(1)
  return toPath(specifier)
}

/**
 * Finds files that import each other, over any number of steps: each circle is named once, from its first file by name. Types count as
 * well: what two files need of each other belongs into a third.
 */
export function importCircles(
  files: readonly SourceFile[],
  toPath: (specifier: string) => string | null = () => null,
): string[] {
  const known = new Map(files.map((file) => [posix.normalize(file.path), file]))
  const importsByPath = new Map<string, string[]>()
  for (const [path, file] of known) {
    const targets = importsOf(file.text).flatMap((specifier) => targetOf(file, specifier, toPath) ?? [])
    importsByPath.set(path, [...new Set(targets.filter((target) => known.has(target)))])
  }
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: string[]) => {
    const at = trail.indexOf(path)
    if (at >= 0) {
      circles.push(`circle: ${[...trail.slice(at), path].join(' → ')}`)
      return
    }
    if (done.has(path)) return
    for (const target of importsByPath.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of [...importsByPath.keys()].sort()) visit(path, [])
  return circles
}
