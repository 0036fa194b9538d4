import { EgressRules } from '@lettergate/contracts/egress/rules'
import { createBatcher } from '@lettergate/db/batcher'
import type { Queryable } from '@lettergate/db/pool'
import { createPolicy, type EgressPolicy } from '@lettergate/egress/policy'
import { allApiHosts } from '@lettergate/providers/api-hosts'
import { LRUCache } from 'lru-cache'
import { type RulesRow, readRules } from './sql/read-rules.ts'

/** The rules of a tenant, as they are stored and as they are enforced. */
export type TenantRules = {
  plan: string
  /** Null: the public internet. */
  rules: EgressRules | null
  extra: EgressRules
  policy: EgressPolicy
}

export type EgressPolicies = {
  /**
   * The policy of a tenant, at most four seconds old, and not older than the version that the caller has seen. Rejects if it is not known and
   * the database does not answer.
   */
  of(tenantId: string, atLeast?: number): Promise<TenantRules>
}

/** Read again in the background from this age on: who calls often never waits. */
const FRESH_MS = 2_000
/** A change of a plan holds for every call that begins later than this. */
const AGE_MS_MAX = 4_000
const TENANTS_MAX = 10_000
const PROVIDERS = '@providers'

/** Names of lists that stand for hosts. */
function expand(rules: EgressRules): EgressRules {
  return rules.map((rule) => ({
    ...rule,
    hosts: rule.hosts.flatMap((host) => (host === PROVIDERS ? allApiHosts() : [host])),
  }))
}

function toRules(row: RulesRow): TenantRules {
  const rules = row.egress === null ? null : EgressRules.parse(JSON.parse(row.egress))
  const extra = EgressRules.parse(JSON.parse(row.egress_extra))
  const policy = createPolicy({
    owner: `The plan ${row.plan}`,
    plan: rules && expand(rules),
    extra: expand(extra),
  })
  return { plan: row.plan, rules, extra, policy }
}

/** Rules that cannot be read permit nothing. */
function nothing(plan: string): TenantRules {
  const policy = createPolicy({ owner: `The plan ${plan}`, plan: [], extra: [] })
  return { plan, rules: [], extra: [], policy }
}

type Entry = { row: RulesRow | null; rules: TenantRules; askedAt: number }

const isSame = (a: RulesRow | null, b: RulesRow) =>
  a?.plan === b.plan && a.egress === b.egress && a.egress_extra === b.egress_extra

/** What tenants may reach, read from the database for many tenants at a time, and kept for some seconds. */
export function createEgressPolicies(deps: {
  pool: Queryable
  onError: (error: unknown) => void
  now?: () => number
}): EgressPolicies {
  const now = deps.now ?? (() => performance.now())
  const known = new LRUCache<string, Entry>({ max: TENANTS_MAX })
  const asked = new Map<string, Promise<Entry>>()
  const batches = createBatcher<string, RulesRow | null>({
    async run(ids) {
      const rows = await readRules(deps.pool, ids)
      const byId = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => byId.get(id) ?? null)
    },
    itemsMax: 500,
    inFlightMax: 1,
  })

  function read(row: RulesRow): TenantRules {
    try {
      return toRules(row)
    } catch (error) {
      deps.onError(new Error(`the egress rules of tenant ${row.id} cannot be read`, { cause: error }))
      return nothing(row.plan)
    }
  }

  async function load(tenantId: string): Promise<Entry> {
    // Age counts from before the question.
    const askedAt = now()
    const row = await batches.add(tenantId)
    const before = known.peek(tenantId)
    const rules = row === null ? nothing('') : before && isSame(before.row, row) ? before.rules : read(row)
    const entry = { row, rules, askedAt }
    known.set(tenantId, entry)
    return entry
  }

  function ask(tenantId: string): Promise<Entry> {
    const running = asked.get(tenantId) ?? load(tenantId).finally(() => asked.delete(tenantId))
    asked.set(tenantId, running)
    return running
  }

  async function askSince(tenantId: string, atLeast: number): Promise<Entry> {
    const found = await ask(tenantId)
    // The question under way may have been asked before the change.
    return (found.row?.version ?? atLeast) < atLeast ? ask(tenantId) : found
  }

  return {
    async of(tenantId, atLeast = 0) {
      const entry = known.get(tenantId)
      // A message that was released by a change must not meet the policy before it.
      if (entry?.row && entry.row.version < atLeast) return (await askSince(tenantId, atLeast)).rules
      const age = entry ? now() - entry.askedAt : Number.POSITIVE_INFINITY
      if (!entry || age > AGE_MS_MAX) return (await ask(tenantId)).rules
      if (age > FRESH_MS) ask(tenantId).catch(deps.onError)
      return entry.rules
    },
  }
}
