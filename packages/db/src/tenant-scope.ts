import type pg from 'pg'
import { type ActorOf, settingOf } from './actor.ts'
import { createPool, inTransaction, type Pool, type PoolOptions, type Queryable } from './pool.ts'

/** One tenant's rows: Postgres shows and accepts no others, for any statement. */
export type TenantDatabase = Queryable & {
  /** Several statements in one transaction. */
  transaction<T>(work: (db: Queryable) => Promise<T>): Promise<T>
}

/** The only access to the tables for the work of one tenant: it gives no connection without a tenant. */
export type Tenants = {
  forTenant(tenantId: string): TenantDatabase
  close(): Promise<void>
}

/** The connections behind it, for the process that opened them; only `createTenantPrisma` uses `pool`. */
export type TenantPool = Tenants & Pick<Pool, 'dropIdle'> & { readonly pool: Pool }

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function checkTenantId(tenantId: string): void {
  if (!UUID.test(tenantId)) throw new Error('a tenant id must be a UUID in lower case')
}

/** The tenant lasts as long as the transaction; a session that keeps one would show it to the next who borrows the connection. */
function beginAs(tenantId: string, actor: string): string {
  // It becomes part of a statement, since one with parameters could not be sent together with `begin`.
  checkTenantId(tenantId)
  const begin = `begin; select set_config('lettergate.tenant', '${tenantId}', true)`
  return actor === '' ? begin : `${begin}; ${actor}`
}

/** Connections for the work of single tenants, as the role that row-level security binds. `actorOf`: who is named in the log of changes. */
export function createTenants({
  actorOf = () => null,
  ...options
}: Omit<PoolOptions, 'role' | 'pipeline'> & { actorOf?: ActorOf }): TenantPool {
  const pool = createPool({ ...options, role: 'lettergate_tenant', pipeline: true })

  /**
   * Sends begin, statement and commit together: one round trip, as without a transaction. By pg's own pipeline mode
   * (node-postgres.com/features/pipelining): its version 9 ends concurrent statements of a client without that mode only.
   */
  async function runOne<R extends pg.QueryResultRow>(
    begin: string,
    config: pg.QueryConfig,
  ): Promise<pg.QueryResult<R>> {
    const client = await pool.connect()
    const [begun, answer, ended] = await Promise.allSettled([
      client.query(begin),
      client.query<R>(config),
      // After a statement that failed this rolls back.
      client.query('commit'),
    ])
    client.release(ended.status === 'rejected')
    if (begun.status === 'rejected') throw begun.reason
    if (answer.status === 'rejected') throw answer.reason
    if (ended.status === 'rejected') throw ended.reason
    return answer.value
  }

  return {
    forTenant(tenantId) {
      const begin = beginAs(tenantId, settingOf(actorOf()))
      return {
        query: (config) => runOne(begin, config),
        transaction: (work) => inTransaction(pool, work, { begin }),
      }
    },
    pool,
    dropIdle: () => pool.dropIdle(),
    close: () => pool.end(),
  }
}
