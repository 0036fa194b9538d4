import type { DbNull, ManagedTables } from '@lettergate/db/prisma'
import { type CommandDeps, withDatabase } from './with-database.ts'

/** Ends a transaction whose result was only to be shown. */
class DryRun<T> extends Error {
  readonly result: T

  constructor(result: T) {
    super('dry run')
    this.result = result
  }
}

/** Makes a change as the operator, in one transaction. With `dryRun`, everything is done, its result is answered, and nothing of it stays. */
export function makeChange<T>(
  dryRun: boolean,
  work: (db: ManagedTables, dbNull: DbNull, deps: CommandDeps) => Promise<T>,
): Promise<T> {
  return withDatabase(async (deps) => {
    let dry: DryRun<T> | undefined
    try {
      return await deps.operator.forOperator(async (db, dbNull) => {
        const result = await work(db, dbNull, deps)
        if (!dryRun) return result
        dry = new DryRun(result)
        throw dry
      })
    } catch (error) {
      if (dry) return dry.result
      throw error
    }
  })
}
