import { loadConfig } from '@lettergate/config/config'
import type { Command } from 'commander'
import { databaseUrlOf, migrateDatabase, openPool } from '../start/database.ts'

/** `lettergate migrate`: brings the database to the newest schema. */
export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('migrate the database to the newest schema')
    .action(async () => {
      const pool = openPool(databaseUrlOf(loadConfig()))
      try {
        const applied = await migrateDatabase(pool)
        process.stdout.write(
          applied.length === 0 ? 'The schema is up to date.\n' : `Applied ${applied.join(', ')}.\n`,
        )
      } finally {
        await pool.end()
      }
    })
}
