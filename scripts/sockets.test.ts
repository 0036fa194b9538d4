import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importsOf } from './import-rule.ts'

const ROOT = join(import.meta.dirname, '..')
const OPENS = /^(node:)?(net|tls|dgram|dns|dns\/promises|http|https|http2)$|^undici$/
/** Why each of the others may import such a module. */
const ALLOWED: Readonly<Record<string, string>> = {
  'packages/providers/src/direct/open-session.ts': 'asks whether a socket is encrypted, and opens none',
  'packages/providers/src/direct/resolver.ts':
    'asks the resolver of this machine, never a name server that a tenant names',
}
/** Types, checks of texts, and servers of our own that listen. */
const HARMLESS =
  /\bimport type\b|\bimport \{ (type \w+|isIP|isIPv4|isIPv6)(, (type \w+|isIP|isIPv4|isIPv6))* \} from/

test('no code but the guard opens sockets to the outside or asks name servers', () => {
  const files = globSync('packages/{core,providers,contracts}/src/**/*.ts', { cwd: ROOT }).filter(
    (path) => !/\.test\.ts$/.test(path),
  )
  const found = files.filter((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    if (!importsOf(text).some((name) => OPENS.test(name))) return false
    const lines = text
      .split('\n')
      .filter((line) => /from '(node:)?(net|tls|dgram|dns|dns\/promises|http|https|http2|undici)'/.test(line))
    return lines.some((line) => !HARMLESS.test(line))
  })
  const unexpected = found.filter((path) => !Object.hasOwn(ALLOWED, path))
  expect(unexpected).toEqual([])
})
