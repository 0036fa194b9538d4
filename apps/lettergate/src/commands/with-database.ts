import type { KeyObject } from 'node:crypto'
import { loadConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { deriveKey } from '@lettergate/core/secrets'
import type { Pool } from '@lettergate/db/pool'
import { createOperatorPrisma, type OperatorPrisma } from '@lettergate/db/prisma'
import { databaseUrlOf, openPool } from '../start/database.ts'

/** Runs `work` on the database that the settings name. */
export async function withDatabase<T>(
  work: (deps: {
    pool: Pool
    operator: OperatorPrisma
    pepper: KeyObject
    root: KeyObject
    previousRoot: KeyObject | undefined
  }) => Promise<T>,
): Promise<T> {
  const config = loadConfig()
  const pool = openPool(databaseUrlOf(config))
  try {
    const root = rootSecret(config)
    const pepper = deriveKey(root, 'api key pepper')
    return await work({
      pool,
      operator: createOperatorPrisma(pool),
      pepper,
      root,
      previousRoot: config.previousSecret,
    })
  } finally {
    await pool.end()
  }
}
