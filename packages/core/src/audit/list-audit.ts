import { type AuditFilter, auditTargets } from '@lettergate/contracts/audit/audit'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import type { ManagedTables } from '@lettergate/db/prisma'
import { z } from 'zod'
import { type CursorKey, given, readCursor, writeCursor } from '../lib/index.ts'

const Actor = z.object({
  kind: z.enum(['key', 'admin', 'cli', 'system']),
  key_id: z.string().optional(),
  request_id: z.string().optional(),
  address: z.string().nullish(),
  user: z.string().optional(),
  host: z.string().optional(),
})
const Values = z.record(z.string(), z.unknown()).nullable()
const Stored = z.object({
  id: z.bigint().transform(Number),
  at: z.date(),
  tenant_id: z.string().nullable(),
  actor: Actor,
  action: z.enum(['created', 'updated', 'deleted']),
  target: z.string(),
  target_id: z.string(),
  before: Values,
  after: Values,
})
export type AuditRow = z.output<typeof Stored>

/** Runs a transaction of a reader: a tenant sees its own changes, the operator all. */
export type AuditReader = {
  /** Whose changes; null: all. */
  tenantId: string | null
  transact<T>(work: (db: ManagedTables) => Promise<T>): Promise<T>
}

const EXPORT_PAGE = 500

/** The table of a name of the API. */
function tableOf(name: string): string {
  const known = Object.entries(auditTargets).find(([, target]) => target.name === name)
  return known?.[0] ?? name
}

/** The id in the database of a public id of any kind. */
function storedId(id: string): string {
  const prefixes = Object.values(auditTargets).flatMap(({ prefix }) => prefix ?? [])
  return prefixes.map((prefix) => fromPublicId(prefix, id)).find((uuid) => uuid !== null) ?? id
}

/** What the stored actor has, for a filter: a key, a person at a machine, or a kind. */
function actorFields(actor: string): [string, string][] {
  const keyId = fromPublicId('key', actor)
  if (keyId !== null) return [['key_id', keyId]]
  const at = actor.lastIndexOf('@')
  if (at === -1) return [['kind', actor]]
  return [
    ['user', actor.slice(0, at)],
    ['host', actor.slice(at + 1)],
  ]
}

function whereOf(tenantId: string | null, filter: AuditFilter, before: bigint | undefined) {
  const { target, target_id: targetId, action, actor, since, until } = filter
  return {
    ...(tenantId !== null && { tenant_id: tenantId }),
    ...given({ target: target === undefined ? undefined : tableOf(target) }),
    ...given({ target_id: targetId === undefined ? undefined : storedId(targetId) }),
    ...given({ action }),
    ...(actor !== undefined && {
      AND: actorFields(actor).map(([name, value]) => ({ actor: { path: [name], equals: value } })),
    }),
    ...((since || until) && { at: given({ gte: since, lt: until }) }),
    ...(before !== undefined && { id: { lt: before } }),
  }
}

async function readPage(
  { tenantId, transact }: AuditReader,
  filter: AuditFilter,
  before: bigint | undefined,
  limit: number,
): Promise<AuditRow[]> {
  const where = whereOf(tenantId, filter, before)
  const rows = await transact((db) => db.audit_log.findMany({ where, orderBy: { id: 'desc' }, take: limit }))
  return z.array(Stored).parse(rows)
}

/** A page of changes, newest first. */
export async function listAudit(
  reader: AuditReader,
  cursorKey: CursorKey,
  { cursor, limit, ...filter }: AuditFilter & { cursor?: string | undefined; limit: number },
): Promise<{ rows: AuditRow[]; nextCursor: string | null }> {
  const scope = [
    'audit',
    reader.tenantId,
    filter.target ?? null,
    filter.target_id ?? null,
    filter.action ?? null,
    filter.actor ?? null,
    filter.since?.toISOString() ?? null,
    filter.until?.toISOString() ?? null,
  ]
  const before = cursor === undefined ? undefined : BigInt(readCursor(cursorKey, scope, cursor))
  const found = await readPage(reader, filter, before, limit + 1)
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  const nextCursor = found.length > limit && last ? writeCursor(cursorKey, scope, String(last.id)) : null
  return { rows, nextCursor }
}

/** All changes, newest first, read as fast as they are taken: one page is in memory. */
export async function* exportAudit(reader: AuditReader, filter: AuditFilter): AsyncGenerator<AuditRow[]> {
  for (let before: bigint | undefined; ; ) {
    const rows: AuditRow[] = await readPage(reader, filter, before, EXPORT_PAGE)
    const last = rows.at(-1)
    if (!last) return
    yield rows
    if (rows.length < EXPORT_PAGE) return
    before = BigInt(last.id)
  }
}
