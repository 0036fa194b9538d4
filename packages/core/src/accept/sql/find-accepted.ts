import type { Queryable } from '@lettergate/db/pool'

/** When each of these messages was accepted, in order; null: it was not (or not yet). */
export async function findAccepted(
  db: Queryable,
  messages: { tenantId: string; id: string }[],
): Promise<(Date | null)[]> {
  const { rows } = await db.query<{ created_at: Date | null }>({
    name: 'find-accepted',
    text: `
      select m.created_at
      from unnest($1::uuid[], $2::uuid[]) with ordinality as k(tenant_id, id, position)
      left join message m on m.tenant_id = k.tenant_id and m.id = k.id
      order by k.position`,
    values: [messages.map((message) => message.tenantId), messages.map((message) => message.id)],
  })
  return rows.map((row) => row.created_at)
}
