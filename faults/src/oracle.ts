import { type ClientRequest, isSettled, promisedIds } from './client-ledger.ts'
import type { ProviderEntry } from './provider-ledger.ts'

/** The reports of a gateway about itself. Ids are public ones. */
export type DatabaseView = {
  messages: { id: string; tenantId: string; day: string; statuses: string[] }[]
  usage: { tenantId: string; day: string; counted: number; limit: number }[]
  /** Messages that something will still work on. */
  backlog: ReadonlySet<string>
}

export type Verdict = {
  /** Promised or recorded as sent, and nothing will ever come of it. */
  lost: string[]
  /** Stored or sent more often than requested. */
  repeated: string[]
  /** The gateway does not know whether the provider accepted it; `taken` is what the ledger of the provider says. */
  unknown: { id: string; taken: boolean }[]
  overQuota: string[]
  /** Not final yet, although the gateway still works on it. */
  stuck: string[]
}

/** Not final; a held message waits for a person, and no fault test has one. */
const UNFINISHED = new Set(['scheduled', 'queued', 'sending', 'deferred', 'held'])
/** Refunded to the quota, so that it no longer counts. */
const NEVER_SENT = new Set(['cancelled', 'suppressed', 'failed'])

/** Joins the answers to the client, the mail that the provider accepted and the rows of the database. */
export function judge(evidence: {
  client: readonly ClientRequest[]
  provider: readonly ProviderEntry[]
  database: DatabaseView
}): Verdict {
  const { client, provider, database } = evidence
  const taken = countBy(provider, ({ messageId }) => messageId ?? 'without an id')
  const unfinished = database.messages.filter(({ statuses }) =>
    statuses.some((status) => UNFINISHED.has(status)),
  )
  return {
    lost: [
      ...findLost(client, taken, database),
      ...unfinished
        .filter(({ id }) => !database.backlog.has(id))
        .map(({ id }) => `${id}: nobody works on it`),
    ],
    repeated: findRepeated(client, taken, database),
    unknown: database.messages
      .filter(({ statuses }) => statuses.includes('unknown'))
      .map(({ id }) => ({ id, taken: taken.has(id) })),
    overQuota: findOverQuota(taken, database),
    stuck: unfinished
      .filter(({ id }) => database.backlog.has(id))
      .map(({ id, statuses }) => `${id}: ${statuses}`),
  }
}

function findLost(
  client: readonly ClientRequest[],
  taken: Map<string, number>,
  database: DatabaseView,
): string[] {
  const stored = new Set(database.messages.map(({ id }) => id))
  const promised = client.flatMap((request) => [...promisedIds(request)])
  return [
    ...promised.filter((id) => !stored.has(id)).map((id) => `${id}: promised, not stored`),
    ...[...taken.keys()].filter((id) => !stored.has(id)).map((id) => `${id}: sent, not stored`),
    ...database.messages
      .filter(({ id, statuses }) => statuses.includes('sent') && !taken.has(id))
      .map(({ id }) => `${id}: recorded as sent, never at the provider`),
  ]
}

function findRepeated(
  client: readonly ClientRequest[],
  taken: Map<string, number>,
  database: DatabaseView,
): string[] {
  const promised = new Set(client.flatMap((request) => [...promisedIds(request)]))
  const unpromised = database.messages.filter(({ id }) => !promised.has(id))
  // A client that gave up without an answer may own one stored message that it does not know of.
  const excusable = client.filter((request) => !isSettled(request) && promisedIds(request).size === 0).length
  return [
    ...client
      .filter((request) => promisedIds(request).size > 1)
      .map((request) => `${request.idempotencyKey}: ${[...promisedIds(request)]}`),
    ...unpromised.slice(excusable).map(({ id }) => `${id}: stored, promised to nobody`),
    ...[...taken].filter(([, times]) => times > 1).map(([id, times]) => `${id}: sent ${times} times`),
  ]
}

/**
 * Three sums by tenant and day: the stored recipients without refunds equal the counted ones, and are within the limit; so are all
 * recipients that count or that a provider accepted, because accepted mail is used quota, in any status.
 */
function findOverQuota(taken: ReadonlyMap<string, number>, database: DatabaseView): string[] {
  const stored = new Map<string, number>()
  const used = new Map<string, number>()
  for (const { id, tenantId, day, statuses } of database.messages) {
    const place = `${tenantId} ${day}`
    const counts = statuses.filter((status) => !NEVER_SENT.has(status)).length
    stored.set(place, (stored.get(place) ?? 0) + counts)
    used.set(place, (used.get(place) ?? 0) + Math.max(counts, taken.has(id) ? 1 : 0))
  }
  return database.usage.flatMap(({ tenantId, day, counted, limit }) => {
    const place = `${tenantId} ${day}`
    const count = stored.get(place) ?? 0
    const use = used.get(place) ?? 0
    if (count > limit) return [`${place}: ${count} stored, limit ${limit}`]
    if (use > limit) return [`${place}: ${use} stored or taken by a provider, limit ${limit}`]
    return count === counted ? [] : [`${place}: ${count} stored, ${counted} counted`]
  })
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return counts
}

/** The verdict in numbers, for a table row or a failed assertion. */
export function summarize(verdict: Verdict): Record<keyof Verdict, number> {
  return {
    lost: verdict.lost.length,
    repeated: verdict.repeated.length,
    unknown: verdict.unknown.length,
    overQuota: verdict.overQuota.length,
    stuck: verdict.stuck.length,
  }
}
