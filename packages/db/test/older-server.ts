import pg from 'pg'

/** The mark of a join by an array (packages/core/src/lib/sql/uuid-range.ts). */
const BY_ARRAY = "array_append('{}'::uuid[]"

let isPretended = false

/**
 * For databases that tests make meanwhile. Postgres 18 loses rows of plain joins, or crashes, only where it leaves out partitions both when a
 * statement starts and while it runs.
 */
export const settingsForPlainJoins = () => (isPretended ? { enable_partition_pruning: 'off' } : {})

export type OlderServer = {
  /** Names of the statements that were sent meanwhile, in the form for such a server. */
  prepared: ReadonlySet<string>
  stop(): void
}

/** Connections that open from now on take their server for Postgres 17. */
export function pretendOlderServer(): OlderServer {
  const { emit, parse } = pg.Connection.prototype
  const prepared = new Set<string>()
  pg.Connection.prototype.emit = function (this: pg.Connection, event, ...args) {
    const isVersion = event === 'parameterStatus' && args[0]?.parameterName === 'server_version'
    return emit.call(this, event, ...(isVersion ? [{ ...args[0], parameterValue: '17.5' }] : args))
  }
  pg.Connection.prototype.parse = function (this: pg.Connection, query, more) {
    if (query.text.includes(BY_ARRAY)) throw new Error(`a join by an array is left in ${query.text}`)
    if (query.name) prepared.add(query.name)
    return parse.call(this, query, more)
  }
  isPretended = true
  return {
    prepared,
    stop() {
      isPretended = false
      Object.assign(pg.Connection.prototype, { emit, parse })
    },
  }
}
