import { Problem } from '@lettergate/contracts/problems/problems'
import type { TenantPrisma } from '@lettergate/db/prisma'
import { z } from 'zod'
import { fromStorage, toJson } from '../lib/index.ts'
import type { Sealer } from '../secrets/index.ts'
import { emptyContent, HookContent, withoutEnded } from './hook-content.ts'

/** A webhook of before a rotation, which the provider still uses until then. */
export const OldRegistrations = z.array(z.object({ registration: z.json(), until: z.iso.datetime() }))
export type OldRegistration = z.output<typeof OldRegistrations>[number]

/** What is known of a hook, but for its secrets. */
export type HookState = {
  registration: unknown
  registeredAt: Date | null
  oldRegistrations: OldRegistration[]
  lastEventAt: Date | null
  refused: number
  lastRefusedAt: Date | null
  lastRefusal: string | null
}

export type StoredHook = { content: HookContent; state: HookState; version: number }

/** What a change writes; an absent field stays as it is. */
export type HookChange = {
  content?: HookContent
  /** Null: none any more. */
  registration?: object | null
  oldRegistrations?: OldRegistration[]
}

export type HookStoreDeps = {
  prisma: TenantPrisma
  sealer: Pick<Sealer, 'sealJson' | 'unsealJson'>
  /** Milliseconds of the database's clock. */
  now: () => number
}
export type HookPlace = { tenantId: string; connectionId: string; provider: string }

const CHANGES_MAX = 10

/** The hook of a connection; null: none was made. */
export async function readHook(
  deps: HookStoreDeps,
  { tenantId, connectionId }: Omit<HookPlace, 'provider'>,
): Promise<StoredHook | null> {
  return fromStorage(
    (async () => {
      const row = await deps.prisma.forTenant(tenantId, (db) =>
        db.hook.findUnique({
          where: { tenant_id_connection_id: { tenant_id: tenantId, connection_id: connectionId } },
        }),
      )
      if (!row) return null
      const sealed = { sealed: Buffer.from(row.sealed_secrets), dataKeyVersion: row.data_key_version }
      const opened = await deps.sealer.unsealJson({ tenantId, table: 'hook', id: connectionId }, sealed)
      return {
        content: HookContent.parse(opened),
        version: row.version,
        state: {
          registration: row.registration,
          registeredAt: row.registered_at,
          oldRegistrations: OldRegistrations.parse(row.old_registrations ?? []),
          lastEventAt: row.last_event_at,
          refused: Number(row.refused),
          lastRefusedAt: row.last_refused_at,
          lastRefusal: row.last_refusal,
        },
      }
    })(),
  )
}

async function write(
  deps: HookStoreDeps,
  { tenantId, connectionId, provider }: HookPlace,
  before: StoredHook | null,
  change: HookChange,
): Promise<boolean> {
  const content = change.content && withoutEnded(change.content, deps.now())
  const place = { tenantId, table: 'hook', id: connectionId } as const
  const sealed = content && (await deps.sealer.sealJson(place, content))
  return deps.prisma.forTenant(tenantId, async (db, dbNull) => {
    const secrets = sealed && {
      sealed_secrets: new Uint8Array(sealed.sealed),
      data_key_version: sealed.dataKeyVersion,
    }
    if (before === null) {
      if (!secrets) throw new Error('a new hook needs its content')
      // A connection that was deleted meanwhile has none.
      const own = { tenant_id: tenantId, id: connectionId }
      if ((await db.connection.count({ where: own })) === 0) throw new Problem('not-found')
      const row = { tenant_id: tenantId, connection_id: connectionId, provider, ...secrets }
      return (await db.hook.createMany({ data: [row], skipDuplicates: true })).count === 1
    }
    const { registration, oldRegistrations } = change
    const { count } = await db.hook.updateMany({
      where: { tenant_id: tenantId, connection_id: connectionId, version: before.version },
      data: {
        ...secrets,
        version: { increment: 1 },
        updated_at: new Date(deps.now()),
        ...(registration !== undefined && {
          registration: registration === null ? dbNull : toJson(registration),
          registered_at: registration === null ? null : new Date(deps.now()),
        }),
        ...(oldRegistrations && {
          old_registrations: toJson(oldRegistrations),
          retire_at: oldRegistrations.length === 0 ? null : earliest(oldRegistrations),
        }),
      },
    })
    return count === 1
  })
}

function earliest(all: readonly OldRegistration[]): Date {
  return new Date(Math.min(...all.map(({ until }) => Date.parse(until))))
}

/**
 * Changes a hook, which is made if there is none. `decide` is asked again when another process was first; null changes nothing. Answers
 * what it decided last.
 */
export async function changeHook<T extends HookChange>(
  deps: HookStoreDeps,
  place: HookPlace,
  decide: (content: HookContent, state: HookState | null) => T | null,
): Promise<T | null> {
  for (let tries = 0; tries < CHANGES_MAX; tries++) {
    const before = await readHook(deps, place)
    const change = decide(before?.content ?? emptyContent, before?.state ?? null)
    if (change === null) return null
    if (await fromStorage(write(deps, place, before, change))) return change
  }
  throw new Problem('overloaded', {
    detail: 'Others are changing the events of this connection at the same time. Repeat the request.',
    headers: { 'retry-after': '1' },
  })
}
