import type { Queryable } from './pool.ts'

const known = new WeakMap<Queryable, Map<string, Promise<number>>>()

/**
 * Reads the id of a row type in this database, which a binary array must name. Read once for each pool or client and not after a reconnect;
 * restart the processes after restoring a database from a copy.
 */
export function rowTypeOid(db: Queryable, name: string): Promise<number> {
  const types = known.get(db) ?? new Map<string, Promise<number>>()
  known.set(db, types)
  const asked = types.get(name)
  if (asked) return asked
  const answer = readOid(db, name)
  types.set(name, answer)
  answer.catch(() => types.delete(name))
  return answer
}

async function readOid(db: Queryable, name: string): Promise<number> {
  const { rows } = await db.query<{ oid: number | null }>({
    name: 'row-type-oid',
    text: 'select to_regtype($1)::oid::int4 as oid',
    values: [name],
  })
  const oid = rows[0]?.oid
  if (oid == null) throw new Error(`the database has no type ${name}: run lettergate migrate`)
  return oid
}
