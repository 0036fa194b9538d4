import { AsyncLocalStorage } from 'node:async_hooks'
import pg from 'pg'

/** Who makes a change, as the log of changes keeps it. */
export type Actor =
  | { kind: 'key' | 'admin'; key_id: string; request_id: string; address: string | null }
  | { kind: 'cli'; user: string; host: string }
  | { kind: 'system' }

/** Who acts in the present asynchronous flow; null: nobody was named, and the log says `system`. */
export type ActorOf = () => Actor | null

/** Names the actor for all that a piece of work does, however deep. */
export type ActorScope = { current: ActorOf; run<T>(actor: Actor, work: () => T): T }

export function createActorScope(): ActorScope {
  const storage = new AsyncLocalStorage<Actor>()
  return {
    current: () => storage.getStore() ?? null,
    run: (actor, work) => storage.run(actor, work),
  }
}

/** Names the actor in SQL, for as long as the transaction: what the triggers of the log read. '' for nobody. */
export function settingOf(actor: Actor | null): string {
  if (!actor) return ''
  return `select set_config('lettergate.actor', ${pg.escapeLiteral(JSON.stringify(actor))}, true)`
}
