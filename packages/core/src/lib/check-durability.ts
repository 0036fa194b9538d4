import type { Queryable } from '@lettergate/db/pool'
import { readUndurable } from './sql/read-durability.ts'

const LOOK_AGAIN_MS = 1_000

/** Advice for a setting, by its source. */
function cureOf({ name, source }: { name: string; source: string }): string {
  if (source === 'database') return `ALTER DATABASE … RESET ${name}`
  if (source === 'user') return `ALTER ROLE … RESET ${name}`
  if (source === 'database user') return `ALTER ROLE … IN DATABASE … RESET ${name}`
  if (source === 'client') return `take ${name} out of the options of DATABASE_URL`
  if (source === 'command line') return `take ${name} out of the command line of Postgres`
  return `ALTER SYSTEM SET ${name} = on; SELECT pg_reload_conf()`
}

/** Lists settings with which Postgres may lose confirmed commits, each with advice. */
export async function findDurabilityIssues(db: Queryable): Promise<string[]> {
  const settings = await readUndurable(db)
  return settings.map(
    (setting) =>
      `Postgres may lose committed data: ${setting.name} is off (set by ${setting.source}). To fix it: ${cureOf(setting)}`,
  )
}

/**
 * A 202 is a promise that this database must be able to keep. Resolves when it has been looked at or does not answer; then looks
 * again until it does, since a gateway may start before its database.
 */
export async function watchDurability(deps: {
  db: Queryable
  /** Called once, with everything that is wrong. */
  onIssues: (issues: string[]) => void
  onError: (error: unknown) => void
}): Promise<void> {
  try {
    const issues = await findDurabilityIssues(deps.db)
    if (issues.length > 0) deps.onIssues(issues)
  } catch (error) {
    deps.onError(error)
    setTimeout(() => void watchDurability(deps), LOOK_AGAIN_MS).unref()
  }
}
