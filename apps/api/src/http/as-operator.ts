import { fromStorage } from '@lettergate/core/lib'
import type { DbNull, ManagedTables } from '@lettergate/db/prisma'
import type { ApiDeps } from '../deps.ts'

/** One transaction with the rights of the operator. */
export function asOperator<T>(
  deps: Pick<ApiDeps, 'operator'>,
  work: (db: ManagedTables, dbNull: DbNull) => Promise<T>,
): Promise<T> {
  return fromStorage(deps.operator.forOperator(work))
}
