import type { Queryable } from '@lettergate/db/pool'

// Rows are locked in one order, so that two processes never wait for each other.
const text = `
with used as (
  select id from smtp_credential
  where id = any($1::uuid[]) and (last_used_at is null or last_used_at < now() - interval '50 seconds')
  order by id for no key update
)
update smtp_credential c set last_used_at = now() from used where c.id = used.id`

/** Notes that these logins were used, to the minute. */
export async function noteUse(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query({ name: 'note-smtp-use', text, values: [ids] })
}
