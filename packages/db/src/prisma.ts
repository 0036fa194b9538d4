import type { ActorOf } from './actor.ts'
import type { Prisma, PrismaClient } from './client/client.ts'
import type { Pool } from './pool.ts'
import { toDatabaseError } from './prisma-errors.ts'
import { checkTenantId } from './tenant-scope.ts'
import { createTurns } from './turns.ts'

/** The tables that people manage, inside one transaction. `dbNull` stores null in a JSON column. */
export type ManagedTables = Prisma.TransactionClient
export type InputJson = Prisma.InputJsonValue
export type DbNull = typeof Prisma.DbNull
type Work<T> = (db: ManagedTables, dbNull: DbNull) => Promise<T>

/** For management, one tenant at a time: docs/decisions/0001-pipeline-sql-management-prisma.md. */
export type TenantPrisma = {
  /** Runs one transaction that sees and writes only this tenant's rows. */
  forTenant<T>(tenantId: string, work: Work<T>): Promise<T>
  /** As `forTenant`, one after another in this process: changes that would wait for one lock take one connection of the pool. */
  forTenantInTurn<T>(tenantId: string, work: Work<T>): Promise<T>
}

/** For the operator's commands, on a pool that owns the tables, and for its API, on one of the role for it. */
export type OperatorPrisma = { forOperator<T>(work: Work<T>): Promise<T> }

/** The pool bounds waiting for a connection and for each statement, so these are only the sum of several. */
const BEGIN_MS_MAX = 6_000
const TRANSACTION_MS_MAX = 15_000
/** With the transaction itself it is still answered within five seconds. */
const TURN_MS_MAX = 3_000

type Loaded = { client: PrismaClient; dbNull: DbNull }

/** At first use: the client takes 70 MB, which a process that manages nothing does not need. */
async function load(pool: Pool): Promise<Loaded> {
  const [{ PrismaPg }, { Prisma, PrismaClient }] = await Promise.all([
    import('@prisma/adapter-pg'),
    import('./client/client.ts'),
  ])
  const adapter = new PrismaPg(pool)
  const transactionOptions = { maxWait: BEGIN_MS_MAX, timeout: TRANSACTION_MS_MAX }
  const client = new PrismaClient({ adapter, errorFormat: 'minimal', transactionOptions })
  // Compiles its engine now: it keeps this thread busy, which must not count as waiting for the database.
  await client.$connect()
  return { client, dbNull: Prisma.DbNull }
}

/**
 * Runs Prisma Client on our pool, only by interactive transactions: operations outside of one are batched by tick, and would run with the
 * tenant of the first.
 */
function createTransactions(pool: Pool, actorOf: ActorOf): <T>(work: Work<T>) => Promise<T> {
  let loading: Promise<Loaded> | undefined
  return async (work) => {
    const actor = actorOf()
    loading ??= load(pool).catch((error: unknown) => {
      // The next call repeats it.
      loading = undefined
      throw error
    })
    const { client, dbNull } = await loading
    try {
      return await client.$transaction(async (db) => {
        if (actor) await db.$executeRaw`select set_config('lettergate.actor', ${JSON.stringify(actor)}, true)`
        return work(db, dbNull)
      })
    } catch (error) {
      throw toDatabaseError(error)
    }
  }
}

const nobody: ActorOf = () => null

/** On the pool of the role that row-level security binds. `actorOf`: who is named in the log of changes. */
export function createTenantPrisma(
  { pool }: { pool: Pool },
  { actorOf = nobody }: { actorOf?: ActorOf } = {},
): TenantPrisma {
  const transact = createTransactions(pool, actorOf)
  const inTurn = createTurns(TURN_MS_MAX)
  const forTenant: TenantPrisma['forTenant'] = (tenantId, work) => {
    checkTenantId(tenantId)
    return transact(async (db, dbNull) => {
      await db.$executeRaw`select set_config('lettergate.tenant', ${tenantId}, true)`
      return work(db, dbNull)
    })
  }
  return {
    forTenant,
    forTenantInTurn: (tenantId, work) => inTurn(tenantId, () => forTenant(tenantId, work)),
  }
}

export function createOperatorPrisma(
  pool: Pool,
  { actorOf = nobody }: { actorOf?: ActorOf } = {},
): OperatorPrisma {
  return { forOperator: createTransactions(pool, actorOf) }
}
