import type { Queryable } from '@lettergate/db/pool'

/**
 * The settings without which Postgres may forget what it has confirmed, where they are off on this connection, and who set them so:
 * the server's files and command line, the database, or the role.
 */
export async function readUndurable(db: Queryable): Promise<{ name: string; source: string }[]> {
  const { rows } = await db.query<{ name: string; source: string }>({
    name: 'read-durability',
    text: `
      select name, source from pg_settings
      where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'
      order by name`,
  })
  return rows
}
