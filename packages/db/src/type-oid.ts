import type { Queryable } from './pool.ts'

const known = new WeakMap<Queryable, Map<string, Promise<number>>>()

/**
 * The id that a row type has in this database: a binary array must name it. Asked for once for each pool or client, and not again
 * after a reconnect, when every query counts; whoever restores a database from a copy starts the processes anew.
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
