import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import { callbackTarget, callbackUrlIssue } from '@lettergate/contracts/webhooks/callback-url'
import type { CreateEndpointRequest, UpdateEndpointRequest } from '@lettergate/contracts/webhooks/requests'
import type { Queryable } from '@lettergate/db/pool'
import type { ManagedTables, TenantPrisma } from '@lettergate/db/prisma'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Egress } from '@lettergate/egress/egress'
import { fromStorage, given, notify } from '../lib/index.ts'
import { checkResourceLimit } from '../plans/index.ts'
import type { Sealed, Sealer } from '../secrets/index.ts'
import { EndpointSecrets, newSecrets, PREVIOUS_VALID_MS, rotateSecrets } from './endpoint-secrets.ts'
import { HURRY_DELIVERIES } from './sql/hurry-deliveries.ts'
import { INSERT_STATE } from './sql/insert-state.ts'
import { type EndpointStateRow, readStates } from './sql/read-states.ts'

export type EndpointDeps = {
  prisma: TenantPrisma
  tenants: Tenants
  sealer: Sealer
  egress: Pick<Egress, 'forTenant'>
  /** For the notification that workers hear changes by. */
  db: Queryable
  clock: { now(): number }
  onError: (error: unknown) => void
}

/** Keys see the endpoints of their mode. */
export type Owner = { tenantId: string; mode: 'live' | 'test' }

const firstRow = (db: ManagedTables, { tenantId, mode }: Owner, id: string) =>
  db.endpoint.findFirst({ where: { tenant_id: tenantId, mode, id } })

type EndpointRow = NonNullable<Awaited<ReturnType<typeof firstRow>>>

export type EndpointInfo = Omit<EndpointRow, 'sealed_secrets' | 'data_key_version'> & {
  headerNames: string[]
  state: EndpointStateRow | null
}

const placeOf = ({ tenantId }: Owner, id: string) => ({ tenantId, table: 'endpoint', id }) as const

/** The port and scheme decide as they do for every other socket: plain http only reaches hosts that the operator listed. */
async function checkUrl(
  { egress }: EndpointDeps,
  { tenantId }: Owner,
  text: string,
  pointer: string,
): Promise<void> {
  const issues = new ValidationIssues()
  const issue = callbackUrlIssue(text)
  if (issue !== null) {
    issues.add([pointer], issue)
  } else {
    const verdict = await fromStorage(egress.forTenant(tenantId).checkResolvedTarget(callbackTarget(text)))
    if (!verdict.ok && verdict.part !== 'unresolved') issues.add([pointer], verdict.reason, 'url-not-allowed')
  }
  if (issues.found) throw issues.toProblem()
}

async function unseal(deps: EndpointDeps, owner: Owner, row: EndpointRow): Promise<EndpointSecrets> {
  const sealed: Sealed = { sealed: Buffer.from(row.sealed_secrets), dataKeyVersion: row.data_key_version }
  return EndpointSecrets.parse(await deps.sealer.unsealJson(placeOf(owner, row.id), sealed))
}

async function present(
  deps: EndpointDeps,
  owner: Owner,
  row: EndpointRow,
  states: ReadonlyMap<string, EndpointStateRow>,
): Promise<EndpointInfo> {
  const { headers } = await unseal(deps, owner, row)
  const { sealed_secrets: _secrets, data_key_version: _version, ...rest } = row
  return { ...rest, headerNames: Object.keys(headers), state: states.get(row.id) ?? null }
}

async function findRow(deps: EndpointDeps, owner: Owner, id: string): Promise<EndpointRow> {
  const row = await deps.prisma.forTenant(owner.tenantId, (db) => firstRow(db, owner, id))
  if (!row) throw new Problem('not-found')
  return row
}

const statesOf = (deps: EndpointDeps, { tenantId }: Owner) =>
  readStates(deps.tenants.forTenant(tenantId), tenantId)

/** Workers look again by themselves every few seconds, so a lost notification only delays a change. */
function tellWorkers(deps: EndpointDeps, tenantId: string): void {
  notify(deps.db, [{ channel: 'lg_endpoint', payload: tenantId }]).catch(deps.onError)
}

/** Stores an endpoint; it gets the events from now on. The secret is answered here alone. */
export async function createEndpoint(
  deps: EndpointDeps,
  owner: Owner,
  { headers, types, tags, streams, ...rest }: CreateEndpointRequest,
): Promise<{ endpoint: EndpointInfo; secret: string }> {
  await checkUrl(deps, owner, rest.url, 'url')
  const id = newId()
  const { tenantId, mode } = owner
  const content = newSecrets(headers)
  const row = await fromStorage(
    (async () => {
      const { sealed, dataKeyVersion } = await deps.sealer.sealJson(placeOf(owner, id), content)
      return deps.prisma.forTenantInTurn(tenantId, async (db) => {
        await checkResourceLimit(db, { tenantId, resource: 'endpoints' })
        const made = await db.endpoint.create({
          data: {
            tenant_id: tenantId,
            id,
            mode,
            ...rest,
            types: types ?? [],
            tags: tags ?? [],
            streams: streams ?? [],
            sealed_secrets: new Uint8Array(sealed),
            data_key_version: dataKeyVersion,
          },
        })
        await db.$executeRawUnsafe(INSERT_STATE, id, tenantId, mode, id)
        return made
      })
    })(),
  )
  tellWorkers(deps, tenantId)
  return {
    endpoint: await present(deps, owner, row, new Map()),
    secret: content.secrets[0]?.secret ?? '',
  }
}

/** All endpoints of the mode, in the order in which they were made. */
export async function listEndpoints(deps: EndpointDeps, owner: Owner): Promise<EndpointInfo[]> {
  const { tenantId, mode } = owner
  return fromStorage(
    (async () => {
      const rows = await deps.prisma.forTenant(tenantId, (db) =>
        db.endpoint.findMany({
          where: { tenant_id: tenantId, mode },
          orderBy: { id: 'asc' },
        }),
      )
      const states = await statesOf(deps, owner)
      return Promise.all(rows.map((row) => present(deps, owner, row, states)))
    })(),
  )
}

export async function readEndpoint(deps: EndpointDeps, owner: Owner, id: string): Promise<EndpointInfo> {
  return fromStorage(
    (async () => present(deps, owner, await findRow(deps, owner, id), await statesOf(deps, owner)))(),
  )
}

/** Retries after concurrent changes of the same endpoint. */
const TRIES_MAX = 10

/**
 * Changes an endpoint and what is sealed with it. Sealing may need a connection of its own, so it is done before the transaction; who was
 * overtaken by another change begins again.
 */
async function change(
  deps: EndpointDeps,
  owner: Owner,
  id: string,
  data: Parameters<ManagedTables['endpoint']['updateMany']>[0]['data'],
  reseal: (content: EndpointSecrets, url: string) => EndpointSecrets,
  after?: (db: ManagedTables) => Promise<unknown>,
): Promise<EndpointSecrets> {
  const { tenantId } = owner
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const before = await findRow(deps, owner, id)
    const content = reseal(await unseal(deps, owner, before), before.url)
    const { sealed, dataKeyVersion } = await deps.sealer.sealJson(placeOf(owner, id), content)
    const isChanged = await deps.prisma.forTenantInTurn(tenantId, async (db) => {
      const { count } = await db.endpoint.updateMany({
        where: { tenant_id: tenantId, id, sealed_secrets: new Uint8Array(before.sealed_secrets) },
        data: {
          ...data,
          sealed_secrets: new Uint8Array(sealed),
          data_key_version: dataKeyVersion,
        },
      })
      if (count === 0) return false
      await db.$executeRaw`update endpoint set updated_at = now() where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`
      await after?.(db)
      return true
    })
    if (!isChanged) continue
    tellWorkers(deps, tenantId)
    return content
  }
  throw new Problem('wrong-state', {
    detail: 'The endpoint is being changed by other requests. Repeat the request.',
  })
}

/** Permission to change an endpoint must not reveal the header fields that are stored for its host, as with credentials of a connection. */
function keptHeaders(
  { headers }: EndpointSecrets,
  before: string,
  after: string | undefined,
): EndpointSecrets['headers'] {
  if (after === undefined || Object.keys(headers).length === 0) return headers
  if (new URL(after).origin === new URL(before).origin) return headers
  const issues = new ValidationIssues()
  issues.add(
    ['headers'],
    'are required with a URL at another host: the stored ones are not sent there. Give them all in the same request, or {} for none',
  )
  throw issues.toProblem()
}

/** Changes an endpoint. Enabled again, it goes on where it stopped. */
export async function updateEndpoint(
  deps: EndpointDeps,
  owner: Owner,
  id: string,
  { headers, types, tags, streams, enabled, ...rest }: UpdateEndpointRequest,
): Promise<EndpointInfo> {
  if (rest.url !== undefined) {
    await fromStorage(findRow(deps, owner, id))
    await checkUrl(deps, owner, rest.url, 'url')
  }
  const lists = given({
    types: types === null ? [] : types,
    tags: tags === null ? [] : tags,
    streams: streams === null ? [] : streams,
  })
  const state =
    enabled === undefined
      ? {}
      : { enabled, disabled_reason: null, disabled_at: enabled ? null : new Date(deps.clock.now()) }
  const reseal = (content: EndpointSecrets, before: string) => ({
    ...content,
    headers: headers ?? keptHeaders(content, before, rest.url),
  })
  await fromStorage(
    change(deps, owner, id, { ...given(rest), ...lists, ...state }, reseal, async (db) => {
      // Another URL, or a person's word that it works again: the next call is made at once.
      if (enabled !== true && rest.url === undefined) return
      await db.$executeRaw`
        update endpoint_state set paused_until = null, failures = 0, failing_since = null
        where tenant_id = ${owner.tenantId}::uuid and id = ${id}::uuid`
      await db.$executeRawUnsafe(HURRY_DELIVERIES, owner.tenantId, id)
    }),
  )
  return readEndpoint(deps, owner, id)
}

/** A new secret; calls are signed with both for a day. */
export async function rotateEndpointSecret(
  deps: EndpointDeps,
  owner: Owner,
  id: string,
): Promise<{ secret: string; previousUntil: Date }> {
  const now = deps.clock.now()
  const content = await fromStorage(change(deps, owner, id, {}, (before) => rotateSecrets(before, now)))
  return { secret: content.secrets[0]?.secret ?? '', previousUntil: new Date(now + PREVIOUS_VALID_MS) }
}

/** Removes an endpoint with all that waits for it. What was tried stays until its day is dropped. */
export async function deleteEndpoint(deps: EndpointDeps, owner: Owner, id: string): Promise<void> {
  const { tenantId, mode } = owner
  await fromStorage(
    deps.prisma.forTenantInTurn(tenantId, async (db) => {
      const { count } = await db.endpoint.deleteMany({ where: { tenant_id: tenantId, mode, id } })
      if (count === 0) throw new Problem('not-found')
      await db.$executeRaw`delete from endpoint_state where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`
      await db.$executeRaw`
        delete from delivery where id in (
          select id from delivery where tenant_id = ${tenantId}::uuid and endpoint_id = ${id}::uuid order by id for update)`
    }),
  )
  tellWorkers(deps, tenantId)
}

/** URL, header fields and secrets of an endpoint, to call it. */
export async function openEndpoint(
  deps: EndpointDeps,
  owner: Owner,
  id: string,
): Promise<{ url: string; format: string; content: EndpointSecrets }> {
  return fromStorage(
    (async () => {
      const row = await findRow(deps, owner, id)
      return { url: row.url, format: row.format, content: await unseal(deps, owner, row) }
    })(),
  )
}
