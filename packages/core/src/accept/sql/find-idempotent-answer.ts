import type { Queryable } from '@lettergate/db/pool'

/** `A`: what the caller stored with `acceptMessages`. */
export type IdempotencyRecord<A> = { bodyHash: Buffer; answer: A; createdAt: Date }

/** The records of these keys, in order; null where the key is free (or its request was not admitted). */
export async function findIdempotentAnswer<A>(
  db: Queryable,
  keys: { tenantId: string; keyHash: Buffer }[],
): Promise<(IdempotencyRecord<A> | null)[]> {
  const { rows } = await db.query<IdempotencyRecord<A> | { bodyHash: null }>({
    name: 'find-idempotent-answer',
    text: `
      select i.body_hash as "bodyHash", i.answer, i.created_at as "createdAt"
      from unnest($1::uuid[], $2::bytea[]) with ordinality as k(tenant_id, key_hash, position)
      left join idempotency i on i.tenant_id = k.tenant_id and i.key_hash = k.key_hash
      order by k.position`,
    values: [keys.map((key) => key.tenantId), keys.map((key) => key.keyHash)],
  })
  return rows.map((row) => (row.bodyHash === null ? null : row))
}
