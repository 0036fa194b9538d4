import type {
  CreateInboundRouteRequest,
  InboundAction,
  UpdateInboundRouteRequest,
} from '@lettergate/contracts/inbound/routes'
import { fromPublicId, newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import { callbackTarget, callbackUrlIssue } from '@lettergate/contracts/webhooks/callback-url'
import type { ManagedTables } from '@lettergate/db/prisma'
import { z } from 'zod'
import { fromStorage, given, notify, toJson } from '../lib/index.ts'
import { checkResourceLimit } from '../plans/index.ts'
import { readDefaultSecret } from '../webhooks/index.ts'
import { StoredMatch } from './find-recipient.ts'
import { patternIssue } from './match-address.ts'
import type { InboundDeps, Owner } from './owner.ts'
import { type StoredAction, StoredActions } from './stored-action.ts'

const StoredRoute = z.object({
  id: z.string(),
  position: z.number(),
  name: z.string(),
  domain: z.string().nullable(),
  match: StoredMatch,
  actions: StoredActions,
  enabled: z.boolean(),
  created_at: z.date(),
  updated_at: z.date(),
})
export type InboundRouteRow = z.output<typeof StoredRoute>

type Change = Partial<CreateInboundRouteRequest>

const Proved = z.array(z.object({ proved: z.boolean() }))

async function isProved(db: ManagedTables, { tenantId }: Owner, domain: string): Promise<boolean> {
  const rows = await db.$queryRaw`select ${domain} = any (proved_domains(${tenantId}::uuid)) as proved`
  return Proved.parse(rows)[0]?.proved ?? false
}

async function checkDomain(
  db: ManagedTables,
  owner: Owner,
  domain: string | null | undefined,
  issues: ValidationIssues,
) {
  if (domain === null || domain === undefined) return
  if (owner.mode === 'test')
    issues.add(
      ['domain'],
      'is not for test keys: they receive at their own address under the domain of this gateway',
    )
  else if (!(await isProved(db, owner, domain)))
    issues.add(['domain'], 'is not one that you have proved to be yours')
}

/** Another tenant's mailbox is answered as one that never existed. */
async function toStoredActions(
  db: ManagedTables,
  { tenantId, mode }: Owner,
  actions: readonly InboundAction[],
  issues: ValidationIssues,
): Promise<StoredAction[]> {
  const mailboxes = await db.mailbox.findMany({ where: { tenant_id: tenantId, mode }, select: { id: true } })
  const own = new Set(mailboxes.map(({ id }) => id))
  return actions.flatMap((action, index): StoredAction[] => {
    if (action.type !== 'store') return [action]
    const id = fromPublicId('mbx', action.mailbox)
    if (id !== null && own.has(id)) return [{ type: 'store', mailbox_id: id }]
    issues.add(['actions', index, 'mailbox'], 'is not one of your mailboxes')
    return []
  })
}

/** The port and scheme decide as they do for every other socket. */
async function checkWithoutDatabase(
  { egress }: InboundDeps,
  { tenantId }: Owner,
  { match, actions = [] }: Change,
  issues: ValidationIssues,
) {
  const pattern = match?.kind === 'regex' ? patternIssue(match.value) : null
  if (pattern !== null) issues.add(['match', 'value'], `is no regular expression of RE2: ${pattern}`)
  for (const [index, action] of actions.entries()) {
    if (action.type !== 'post') continue
    const at = ['actions', index, 'url']
    const issue = callbackUrlIssue(action.url)
    if (issue !== null) {
      issues.add(at, issue)
      continue
    }
    const verdict = await fromStorage(
      egress.forTenant(tenantId).checkResolvedTarget(callbackTarget(action.url)),
    )
    if (!verdict.ok && verdict.part !== 'unresolved') issues.add(at, verdict.reason, 'url-not-allowed')
  }
}

/** Listeners look again by themselves every minute, so a lost notification only delays a change. */
function tellListeners({ db, onError }: InboundDeps, { tenantId }: Owner): void {
  notify(db, [{ channel: 'lg_inbound_route', payload: tenantId }]).catch(onError)
}

async function prepare(deps: InboundDeps, owner: Owner, change: Change): Promise<void> {
  const issues = new ValidationIssues()
  await checkWithoutDatabase(deps, owner, change, issues)
  if (issues.found) throw issues.toProblem()
  // Calls are signed with it.
  if (change.actions?.some(({ type }) => type === 'post')) await readDefaultSecret(deps, owner)
}

async function toColumns(db: ManagedTables, owner: Owner, { match, actions, ...rest }: Change) {
  const issues = new ValidationIssues()
  await checkDomain(db, owner, rest.domain, issues)
  const stored = actions && (await toStoredActions(db, owner, actions, issues))
  if (issues.found) throw issues.toProblem()
  return given({ ...rest, match: match && toJson(match), actions: stored && toJson(stored) })
}

export async function createInboundRoute(
  deps: InboundDeps,
  owner: Owner,
  request: CreateInboundRouteRequest,
): Promise<InboundRouteRow> {
  const { tenantId, mode } = owner
  await prepare(deps, owner, request)
  const row = await fromStorage(
    deps.prisma.forTenantInTurn(tenantId, async (db) => {
      await checkResourceLimit(db, { tenantId, resource: 'inbound_routes' })
      const { name, position, enabled, match } = request
      const columns = await toColumns(db, owner, request)
      const data = {
        tenant_id: tenantId,
        id: newId(),
        mode,
        name,
        position,
        enabled,
        match: toJson(match),
        actions: [],
        ...columns,
      }
      return StoredRoute.parse(await db.inbound_route.create({ data }))
    }),
  )
  tellListeners(deps, owner)
  return row
}

async function findRoute(db: ManagedTables, { tenantId, mode }: Owner, id: string): Promise<InboundRouteRow> {
  const row = await db.inbound_route.findFirst({ where: { tenant_id: tenantId, mode, id } })
  if (!row) throw new Problem('not-found')
  return StoredRoute.parse(row)
}

export function readInboundRoute(deps: InboundDeps, owner: Owner, id: string): Promise<InboundRouteRow> {
  return fromStorage(deps.prisma.forTenant(owner.tenantId, (db) => findRoute(db, owner, id)))
}

/** All routes of the mode, in the order in which they are looked at. */
export async function listInboundRoutes(deps: InboundDeps, owner: Owner): Promise<InboundRouteRow[]> {
  const { tenantId, mode } = owner
  const rows = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.inbound_route.findMany({
        where: { tenant_id: tenantId, mode },
        orderBy: [{ position: 'asc' }, { id: 'asc' }],
      }),
    ),
  )
  return z.array(StoredRoute).parse(rows)
}

/** Replaces what the request names. */
export async function updateInboundRoute(
  deps: InboundDeps,
  owner: Owner,
  id: string,
  request: UpdateInboundRouteRequest,
): Promise<InboundRouteRow> {
  const { tenantId } = owner
  // Of another tenant, or deleted: reported before the fields are checked.
  await readInboundRoute(deps, owner, id)
  await prepare(deps, owner, given(request))
  const row = await fromStorage(
    deps.prisma.forTenantInTurn(tenantId, async (db) => {
      await findRoute(db, owner, id)
      const data = { ...(await toColumns(db, owner, given(request))), updated_at: new Date() }
      return StoredRoute.parse(
        await db.inbound_route.update({ where: { tenant_id_id: { tenant_id: tenantId, id } }, data }),
      )
    }),
  )
  tellListeners(deps, owner)
  return row
}

/** Removes a route; mail that came by it stays. */
export async function deleteInboundRoute(deps: InboundDeps, owner: Owner, id: string): Promise<void> {
  const { tenantId, mode } = owner
  const { count } = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.inbound_route.deleteMany({ where: { tenant_id: tenantId, mode, id } }),
    ),
  )
  if (count === 0) throw new Problem('not-found')
  tellListeners(deps, owner)
}
