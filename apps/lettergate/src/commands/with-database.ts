import type { KeyObject } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { type Config, loadConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { deriveKey } from '@lettergate/core/secrets'
import type { Actor } from '@lettergate/db/actor'
import type { Pool } from '@lettergate/db/pool'
import { createOperatorPrisma, type OperatorPrisma } from '@lettergate/db/prisma'
import { databaseUrlOf, openPool } from '../start/database.ts'

/** For the log of changes: the person at this machine. A container may have a user without a name. */
function readActor(): Actor {
  try {
    return { kind: 'cli', user: userInfo().username, host: hostname() }
  } catch {
    return { kind: 'cli', user: String(process.getuid?.() ?? ''), host: hostname() }
  }
}

export type CommandDeps = {
  config: Config
  pool: Pool
  operator: OperatorPrisma
  pepper: KeyObject
  root: KeyObject
  previousRoot: KeyObject | undefined
}

/** Runs `work` on the database that the settings name. */
export async function withDatabase<T>(work: (deps: CommandDeps) => Promise<T>): Promise<T> {
  const config = loadConfig()
  const pool = openPool(databaseUrlOf(config))
  try {
    const root = rootSecret(config)
    const pepper = deriveKey(root, 'api key pepper')
    return await work({
      config,
      pool,
      operator: createOperatorPrisma(pool, { actorOf: readActor }),
      pepper,
      root,
      previousRoot: config.previousSecret,
    })
  } finally {
    await pool.end()
  }
}
