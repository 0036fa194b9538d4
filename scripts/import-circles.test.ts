import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importCircles } from './import-circles.ts'
import { ownPath, sourceFiles } from './import-rule.ts'

const root = join(import.meta.dirname, '..')
const file = (path: string, ...imports: string[]) => ({
  path,
  text: imports.map((specifier) => `import type { X } from '${specifier}'`).join('\n'),
})

test('no two files of this checkout import each other', () => {
  expect(importCircles(sourceFiles(root), ownPath(root))).toEqual([])
})

test('a circle is found over several steps and packages', () => {
  const files = [
    file('packages/a/src/one.ts', './two.ts'),
    file('packages/a/src/two.ts', '@x/b/three', './one.ts'),
    file('packages/b/src/three.ts', '@x/a/two'),
  ]
  const toPath = (specifier: string) => specifier.replace(/^@x\/(\w)\/(\w+)$/, 'packages/$1/src/$2.ts')
  expect(importCircles(files, toPath)).toEqual([
    'circle: packages/a/src/two.ts → packages/b/src/three.ts → packages/a/src/two.ts',
    'circle: packages/a/src/one.ts → packages/a/src/two.ts → packages/a/src/one.ts',
  ])
})

test('files that share imports are no circle', () => {
  const files = [
    file('a.ts', './b.ts', './c.ts'),
    file('b.ts', './d.ts'),
    file('c.ts', './d.ts'),
    file('d.ts'),
  ]
  expect(importCircles(files)).toEqual([])
})
