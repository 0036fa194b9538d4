import { createHash } from 'node:crypto'
import { secretsIn } from '../lib/redact.ts'
import type { ProviderConnection } from '../provider.ts'
import type { SessionPool } from './session-pool.ts'

const poolsMax = 500

type Connection = ProviderConnection<object, object>

/** A pool for each key, in order of last use: the least used make room. */
export class Pools {
  readonly #pools = new Map<string, SessionPool>()
  readonly #prints = new WeakMap<object, string>()

  /**
   * The pool of a connection, or of a part of it. Other settings begin a new one, and so do credentials that a person changed: a
   * refresh token that was replaced by another leaves who is logged in as it is.
   */
  of(connection: Connection, part: string, create: () => SessionPool): SessionPool {
    const { id, credentials, settings, credentialsSince } = connection
    const version = credentialsSince ?? this.#printOf(credentials)
    const key = `${id} ${version} ${JSON.stringify(settings)} ${part}`
    const known = this.#pools.get(key)
    const pool = known ?? create()
    this.#pools.delete(key)
    this.#pools.set(key, pool)
    if (!known) this.#forgetUnused()
    return pool
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()))
    this.#pools.clear()
  }

  #printOf(credentials: object): string {
    const known = this.#prints.get(credentials)
    if (known) return known
    const all = JSON.stringify([credentials, secretsIn(credentials)])
    const print = createHash('sha256').update(all).digest('base64')
    this.#prints.set(credentials, print)
    return print
  }

  #forgetUnused(): void {
    for (const [key, pool] of this.#pools) {
      if (this.#pools.size <= poolsMax) return
      if (pool.isUnused()) this.#pools.delete(key)
    }
  }
}
