import { Problem } from '@lettergate/contracts/problems/problems'
import {
  type ListSuppressionsQuery,
  type NewSuppression,
  suppressionReasons,
  suppressionStreams,
} from '@lettergate/contracts/suppressions/suppressions'
import type { TenantPrisma } from '@lettergate/db/prisma'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { z } from 'zod'
import { type CursorKey, fromStorage, given, readCursor, writeCursor } from '../lib/index.ts'
import { insertSuppressions } from './sql/insert-suppressions.ts'
import { listedAs } from './sql/listed-as.ts'

/** Whose list: each mode of a tenant has its own. */
export type ListOwner = { tenantId: string; mode: 'live' | 'test' }

const Stored = z.object({
  address: z.string(),
  stream: z.enum(suppressionStreams),
  reason: z.enum(suppressionReasons),
  message_id: z.string().nullable(),
  note: z.string().nullable(),
  created_at: z.date(),
  expires_at: z.date().nullable(),
})
export type SuppressionRow = z.output<typeof Stored>

const isNow = () => ({ OR: [{ expires_at: null }, { expires_at: { gt: new Date() } }] })

type Deps = { tenants: Tenants; prisma: TenantPrisma }

/** Adds entries; answers how many are new or last longer than before, and all of these addresses as they are now. */
export async function addToList(
  deps: Deps,
  { tenantId, mode }: ListOwner,
  entries: readonly NewSuppression[],
): Promise<{ added: number; rows: SuppressionRow[] }> {
  const added = await fromStorage(
    insertSuppressions(
      deps.tenants.forTenant(tenantId),
      { tenantId, mode },
      entries.map(({ address, stream, reason, note = null, expires_at: expiresAt = null }) => ({
        address,
        stream,
        reason,
        note,
        expiresAt,
      })),
    ),
  )
  const addresses = [...new Set(entries.map(({ address }) => address))]
  const rows = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.suppression.findMany({
        where: { tenant_id: tenantId, mode, address: { in: addresses }, ...isNow() },
        orderBy: [{ address: 'asc' }, { stream: 'asc' }],
      }),
    ),
  )
  return { added, rows: z.array(Stored).parse(rows) }
}

/** The condition on an address, which is listed by its hash after an erasure. */
async function isListedAs(deps: Deps, tenantId: string, address: string): Promise<{ in: string[] }> {
  return { in: await fromStorage(listedAs(deps.tenants.forTenant(tenantId), { tenantId, address })) }
}

/** The entries of one address; `not-found` if there are none. */
export async function findOnList(
  deps: Deps,
  { tenantId, mode }: ListOwner,
  asGiven: string,
): Promise<SuppressionRow[]> {
  const address = await isListedAs(deps, tenantId, asGiven)
  const rows = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.suppression.findMany({
        where: { tenant_id: tenantId, mode, address, ...isNow() },
        orderBy: { stream: 'asc' },
      }),
    ),
  )
  if (rows.length === 0) throw new Problem('not-found')
  return z.array(Stored).parse(rows)
}

/** Deletes the entries of an address, or that of one stream; answers how many. */
export async function deleteFromList(
  deps: Deps,
  { tenantId, mode }: ListOwner,
  { address: asGiven, stream }: { address: string; stream?: string | undefined },
): Promise<number> {
  const address = await isListedAs(deps, tenantId, asGiven)
  const { count } = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.suppression.deleteMany({ where: { tenant_id: tenantId, mode, address, ...given({ stream }) } }),
    ),
  )
  if (count === 0) throw new Problem('not-found')
  return count
}

const Place = z.tuple([z.coerce.date(), z.string(), z.string()])

/** A page of the list, newest first. */
export async function listSuppressions(
  deps: Deps & { cursorKey: CursorKey },
  { tenantId, mode }: ListOwner,
  { address, reason, stream, cursor, limit }: ListSuppressionsQuery,
): Promise<{ rows: SuppressionRow[]; nextCursor: string | null }> {
  const scope = ['suppressions', tenantId, mode, address ?? null, reason ?? null, stream ?? null]
  const reached =
    cursor === undefined ? null : Place.parse(JSON.parse(readCursor(deps.cursorKey, scope, cursor)))
  const listed = address === undefined ? undefined : await isListedAs(deps, tenantId, address)
  const found = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.suppression.findMany({
        where: {
          tenant_id: tenantId,
          mode,
          ...given({ address: listed, reason, stream }),
          AND: [isNow(), ...(reached ? [isAfter(reached)] : [])],
        },
        orderBy: [{ created_at: 'desc' }, { address: 'desc' }, { stream: 'desc' }],
        take: limit + 1,
      }),
    ),
  )
  const rows = z.array(Stored).parse(found.slice(0, limit))
  const last = rows.at(-1)
  if (found.length <= limit || !last) return { rows, nextCursor: null }
  const place = JSON.stringify([last.created_at, last.address, last.stream])
  return { rows, nextCursor: writeCursor(deps.cursorKey, scope, place) }
}

/** The first condition is the one that the index knows. */
function isAfter([at, address, stream]: z.output<typeof Place>) {
  return {
    created_at: { lte: at },
    OR: [{ created_at: { lt: at } }, { address: { lt: address } }, { address, stream: { lt: stream } }],
  }
}
