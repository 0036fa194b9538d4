import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Provider } from '@lettergate/providers/provider'
import { createIo, type IoDeps, type OpenedConnection, openConnection } from '../connections/index.ts'
import { type Background, repeatTurns } from '../lib/index.ts'
import type { Sealer } from '../secrets/index.ts'
import { HookContent } from './hook-content.ts'
import { type OldRegistration, OldRegistrations } from './hook-store.ts'
import { showUrl } from './registered-urls.ts'
import { claimDueWebhooks, type DueWebhooks } from './sql/claim-due-webhooks.ts'
import { readOldRegistrations, writeOldRegistrations } from './sql/old-registrations.ts'
import { readSealedHook } from './sql/read-sealed-hook.ts'

/** `failed`: it is tried again. `given-up`: after a week. */
export type RetireResult = 'removed' | 'failed' | 'given-up'

export type WebhookRetirer = Background & {
  /** Removes what is due now, a few at a time; answers how many hooks were looked at. */
  run(signal?: AbortSignal): Promise<number>
}

const EVERY_MS = 60_000
const HOOKS_MAX = 20
/** Of one hook; all of a run end before the claim does. */
const DEADLINE_MS = 15_000
const GIVE_UP_MS = 7 * 24 * 3_600_000

/**
 * Removes the webhooks of before rotations at the providers, a day after. Several workers may run it: each hook is claimed by one, and
 * removing a webhook twice is no error.
 */
export function createWebhookRetirer(
  deps: IoDeps & {
    pool: Queryable
    tenants: Tenants
    sealer: Pick<Sealer, 'unsealJson'>
    providers: Readonly<Record<string, Provider>>
    onRetired: (result: RetireResult) => void
    onError: (error: unknown) => void
  },
): WebhookRetirer {
  async function remove(
    due: DueWebhooks,
    { provider, connection }: OpenedConnection,
    registration: unknown,
    stopping: AbortSignal,
  ): Promise<boolean> {
    const { events } = provider
    if (!events) return true
    const signal = AbortSignal.any([AbortSignal.timeout(DEADLINE_MS), stopping])
    const io = createIo(deps, { signal }, { owner: { ...due, provider }, deadlineMs: DEADLINE_MS })
    const parsed = events.registration.parse(registration)
    const problem = await (events.retire ?? events.unregister).call(events, connection, parsed, io)
    return problem === null
  }

  async function retire(due: DueWebhooks, stopping: AbortSignal): Promise<void> {
    const { tenantId, connectionId } = due
    const db = deps.tenants.forTenant(tenantId)
    const row = await readOldRegistrations(db, tenantId, connectionId)
    const sealed = row && (await readSealedHook(db, tenantId, connectionId))
    if (!sealed) return
    const place = { tenantId, table: 'hook', id: connectionId } as const
    const content = HookContent.parse(await deps.sealer.unsealJson(place, sealed))
    const opened = await openConnection(deps, tenantId, connectionId)
    const now = deps.now()
    const left: OldRegistration[] = []
    for (const old of OldRegistrations.parse(row.registrations)) {
      const end = Date.parse(old.until)
      if (end > now) {
        left.push(old)
        continue
      }
      const known = showUrl(old.registration, content)
      const isRemoved = opened !== null && known !== null && (await remove(due, opened, known, stopping))
      const isOver = known === null || end + GIVE_UP_MS < now
      deps.onRetired(isRemoved ? 'removed' : isOver ? 'given-up' : 'failed')
      if (!isRemoved && !isOver) left.push(old)
    }
    const ends = left.map(({ until }) => Date.parse(until))
    // What failed is due already, and waits an hour.
    const retireAt = ends.length === 0 ? null : new Date(Math.max(Math.min(...ends), now + 3_600_000))
    await writeOldRegistrations(db, tenantId, connectionId, {
      version: row.version,
      registrations: left,
      retireAt,
    })
  }

  async function run(stopping = new AbortController().signal): Promise<number> {
    const due = await claimDueWebhooks(deps.pool, HOOKS_MAX)
    for (const one of due) {
      if (stopping.aborted) break
      // One that fails must not keep the others; its claim ends in ten minutes.
      await retire(one, stopping).catch(deps.onError)
    }
    return due.length
  }

  async function turn(stopping: AbortSignal): Promise<number> {
    await run(stopping)
    return EVERY_MS
  }

  return { ...repeatTurns(turn, { firstMs: EVERY_MS, errorMs: EVERY_MS, onError: deps.onError }), run }
}
