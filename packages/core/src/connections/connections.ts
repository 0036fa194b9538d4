import { ConnectionLimits, type CreateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { addSchemaIssues } from '@lettergate/contracts/problems/schema-issues'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import type { TenantPrisma } from '@lettergate/db/prisma'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Egress, TenantEgress } from '@lettergate/egress/egress'
import { namedBy } from '@lettergate/providers/lib/targets'
import type { Provider } from '@lettergate/providers/provider'
import { z } from 'zod'
import { changeConnections, columnsOf, fromStorage, given, toJson } from '../lib/index.ts'
import { checkResourceLimit } from '../plans/index.ts'
import type { Sealer } from '../secrets/index.ts'
import { type ConnectionHealthRow, readHealthOf } from './sql/read-health-of.ts'

export type ConnectionDeps = ReadDeps & {
  sealer: Sealer
  egress: Pick<Egress, 'forTenant'>
  providers: Readonly<Record<string, Provider>>
}

type ReadDeps = { tenants: Tenants; prisma: TenantPrisma }

/** A connection as it is stored, without its credentials. */
const StoredConnection = z.object({
  id: z.string(),
  provider: z.string(),
  name: z.string(),
  priority: z.number(),
  settings: z.record(z.string(), z.unknown()),
  limits: ConnectionLimits.nullable(),
  enabled: z.boolean(),
  created_at: z.date(),
  updated_at: z.date(),
  /** Null: they are those that it was made with. */
  credentials_rotated_at: z.date().nullable(),
})
export type ConnectionRow = z.output<typeof StoredConnection>

const OPEN_COLUMNS = columnsOf(StoredConnection)

/** A connection and how it does; null: nothing is known against it. */
export type ConnectionState = ConnectionRow & { health: ConnectionHealthRow | null }

/** Finds a provider by name; an unknown name is an issue of the field `provider`. */
export function findProvider({ providers }: Pick<ConnectionDeps, 'providers'>, id: string): Provider {
  const provider = Object.hasOwn(providers, id) ? providers[id] : undefined
  if (provider) return provider
  const issues = new ValidationIssues()
  issues.add(['provider'], `is none of ${Object.keys(providers).join(', ')}`)
  throw issues.toProblem()
}

/** Settings and credentials as a client gives them; what is left out is not judged. */
export type Given = { settings?: unknown; credentials?: unknown }

/** Checks settings and credentials by the provider's schemas; reports all errors together and never repeats a value. */
export async function checkGiven(
  deps: Pick<ConnectionDeps, 'egress'>,
  tenantId: string,
  provider: Provider,
  given: Given,
): Promise<void> {
  const issues = new ValidationIssues()
  if (given.credentials !== undefined) {
    const credentials = provider.credentials.safeParse(given.credentials)
    if (!credentials.success) addSchemaIssues(credentials.error.issues, issues, undefined, ['credentials'])
  }
  if (given.settings !== undefined) {
    const settings = provider.settings.safeParse(given.settings)
    if (!settings.success) addSchemaIssues(settings.error.issues, issues, undefined, ['settings'])
    // Invalid settings name no host to resolve.
    else if (!issues.found)
      await addTargetIssues(deps.egress.forTenant(tenantId), provider, settings.data, issues)
  }
  if (issues.found) throw issues.toProblem()
}

/** Resolves the hosts in the settings. If DNS does not answer now, each attempt resolves them again. */
async function addTargetIssues(
  egress: TenantEgress,
  provider: Provider,
  settings: unknown,
  issues: ValidationIssues,
): Promise<void> {
  const judged = await Promise.all(
    provider.targets(settings).map(async (target) => {
      const named = namedBy(settings, target)
      // A fixed host of a provider may be a placeholder for hosts that are resolved later.
      const verdict = named ? await egress.checkResolvedTarget(target) : await egress.checkTarget(target)
      return { named, verdict }
    }),
  )
  for (const { named, verdict } of judged) {
    if (verdict.ok || verdict.part === 'unresolved') continue
    issues.add(['settings', ...(named?.[verdict.part] ?? [])], verdict.reason, 'url-not-allowed')
  }
}

/** No limit at all is kept as null. */
export function toStoredLimits(limits: ConnectionLimits | null | undefined): ConnectionLimits | null {
  return limits && Object.values(limits).some((limit) => limit !== undefined) ? limits : null
}

/**
 * Stores a tenant's account at a provider. Credentials are sealed unchanged: the type of the parsed credentials prevents
 * writing them anywhere.
 */
export async function createConnection(
  deps: ConnectionDeps,
  tenantId: string,
  request: CreateConnectionRequest,
): Promise<ConnectionState> {
  const provider = findProvider(deps, request.provider)
  await fromStorage(checkGiven(deps, tenantId, provider, request))
  const id = newId()
  const place = { tenantId, table: 'connection', id } as const
  return fromStorage(
    (async () => {
      const { sealed, dataKeyVersion } = await deps.sealer.sealJson(place, request.credentials)
      const { name, priority } = request
      const limits = toStoredLimits(request.limits)
      const row = {
        tenant_id: tenantId,
        id,
        provider: provider.id,
        name,
        priority,
        settings: toJson(request.settings),
        ...given({ limits: limits ? toJson(limits) : undefined }),
        sealed_credentials: new Uint8Array(sealed),
        data_key_version: dataKeyVersion,
      }
      await changeConnections(deps.prisma, tenantId, async (db) => {
        await checkResourceLimit(db, { tenantId, resource: 'connections' })
        await db.connection.createMany({ data: [row] })
      })
      return readConnection(deps, tenantId, id)
    })(),
  )
}

/** One connection of the tenant, without its credentials. */
export async function readConnection(deps: ReadDeps, tenantId: string, id: string): Promise<ConnectionState> {
  const [connection] = await fromStorage(readStates(deps, tenantId, id))
  if (!connection) throw new Problem('not-found')
  return connection
}

/** All connections of the tenant, in the order in which they are used. */
export function listConnections(deps: ReadDeps, tenantId: string): Promise<ConnectionState[]> {
  return fromStorage(readStates(deps, tenantId, null))
}

async function readStates(deps: ReadDeps, tenantId: string, id: string | null): Promise<ConnectionState[]> {
  const rows = await deps.prisma.forTenant(tenantId, (db) =>
    db.connection.findMany({
      where: { tenant_id: tenantId, ...(id !== null && { id }) },
      select: OPEN_COLUMNS,
      orderBy: [{ priority: 'asc' }, { id: 'asc' }],
    }),
  )
  // Not beside it: the first use of Prisma keeps this thread busy, which would count as waiting for a connection.
  const healths = await readHealthOf(deps.tenants.forTenant(tenantId), tenantId, id)
  const byId = new Map(healths.map((health) => [health.connection_id, health]))
  return rows.map((row) => ({ ...StoredConnection.parse(row), health: byId.get(row.id) ?? null }))
}
