import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Declared, unusedDependencies, unusedOf } from './unused-dependencies.ts'

const one = (name: string, more: Partial<Declared> = {}): Declared => ({
  name,
  programs: [],
  peers: [],
  ...more,
})
const used = { imports: new Set(['queue', 'pg']), calls: 'tsc --noEmit -p .' }

test('S12: everything that a package of this checkout declares is used', () => {
  expect(unusedDependencies(join(import.meta.dirname, '..'))).toEqual([])
})

test('S12: a package that is not imported, called, or needed by another package is named', () => {
  const declared = [one('pg'), one('limiter'), one('tool', { programs: ['tool'] }), one('@types/limiter')]
  expect(unusedOf(declared, used)).toEqual(['limiter', 'tool', '@types/limiter'])
})

test.each([
  ['its program is called', [one('typescript', { programs: ['tsc'] })]],
  ['a package in use needs it', [one('queue', { peers: ['store'] }), one('store')]],
  ['it has the types of a package in use', [one('@types/pg')]],
  ["it has the types of Node's own modules", [one('@types/node')]],
])('a package is in use if %s', (_, declared) => {
  expect(unusedOf(declared, used)).toEqual([])
})
