import { mapTable } from '@lettergate/contracts/lib/map-table'
import type { DbNull, InputJson, ManagedTables, TenantPrisma } from '@lettergate/db/prisma'
import { z } from 'zod'

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The fields that have a value: in a change, an absent field stays as it is. */
export function given<T extends object>(fields: T): Given<T>
export function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** The columns that a schema reads, for `select`. */
export function columnsOf<K extends string>(schema: {
  shape: Readonly<Record<K, unknown>>
}): Record<K, true> {
  return mapTable(schema.shape, () => true)
}

const Json = z.union([z.record(z.string(), z.json()), z.array(z.json())])

/** A value for a JSON column, as it is written. */
export function toJson(value: object): InputJson {
  return Json.parse(JSON.parse(JSON.stringify(value)))
}

/**
 * Changes a tenant's connections or routes. Others who change them wait until the transaction ends, so that counts and checks hold; and
 * the version rises by which workers see that what they have cached is old.
 */
export function changeConnections<T>(
  prisma: TenantPrisma,
  tenantId: string,
  work: (db: ManagedTables, dbNull: DbNull) => Promise<T>,
): Promise<T> {
  return prisma.forTenantInTurn(tenantId, async (db, dbNull) => {
    await db.tenant.updateMany({ where: { id: tenantId }, data: { connections_version: { increment: 1 } } })
    return work(db, dbNull)
  })
}
