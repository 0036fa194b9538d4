import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGES = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'README.md', 'docs/**/*.md']

/** The paths of source files that a page names, and that end no path of the checkout. */
export function missingPaths(page: string, files: readonly string[]): string[] {
  const named = Array.from(page.matchAll(/[\w./-]+\.ts\b/g), ([path]) => path.replace(/^[./]+/, ''))
  return named.filter((path) => !files.some((file) => `/${file}`.endsWith(`/${path}`)))
}

/** Each wrong path of this checkout's pages. A superseded decision may name files that are gone. */
export function checkoutErrors(root: string): string[] {
  const list = (patterns: string | readonly string[]) =>
    globSync(patterns, { cwd: root, exclude: (path) => path.includes('node_modules') })
      .map((path) => path.replaceAll('\\', '/'))
      .sort()
  const files = list('**/*.ts')
  return list(PAGES).flatMap((path) => {
    const page = readFileSync(join(root, path), 'utf8')
    if (/^Superseded by /m.test(page)) return []
    return missingPaths(page, files).map((missing) => `${path}: ${missing}`)
  })
}
